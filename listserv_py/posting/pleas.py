"""The words of those who want out of a list, or everybody to stop (pure).

A word or two alone says little, since lists may speak of lists as well: a verb of leaving counts
together with a list and with whoever asks. Looked for in short texts only, as they stand, without
accents, for people in a hurry leave those out. A phrase too many costs a private note.
"""

from __future__ import annotations

import re
import unicodedata

FEW = 4

_SAYS_IT = (
    "remove me",
    "delete me",
    "take me off",
    "take me out",
    "get me off",
    "drop me from",
    "unsubscribe me",
    "opt me out",
    "want to opt out",
    "stop sending",
    "stop emailing",
    "stop e-mailing",
    "stop these emails",
    "stop the emails",
    "no more emails",
    "why am i getting",
    "why am i receiving",
    "why am i on",
    "why i'm on this",
    "why i am on this",
    "get out of this list",
    "get off this list",
    "leave this list",
    "mich abmelden",
    "mich austragen",
    "mich bitte ab",
    "mich bitte aus",
    "keine mails mehr",
    "keine e-mails mehr",
    "keine weiteren mails",
    "keine weiteren e-mails",
    "ne plus recevoir",
    "desinscrivez",
    "me desinscrire",
    "desabonnez",
    "me desabonner",
    "dar de baja",
    "darme de baja",
    "denme de baja",
    "no quiero recibir",
    "non voglio ricevere",
    "non voglio piu ricevere",
    "cancellatemi",
    "cancellami",
    "nao quero receber",
    "nao quero mais receber",
    "geen mail meer",
    "geen mails meer",
)
_REPLY_ALL = (
    "reply all",
    "reply-all",
    "replyall",
    "reply to all",
    "replying all",
    "replying to all",
    "reply to everyone",
    "replying to everyone",
    "an alle antwort",
    "allen antwort",
    "an alle zu antwort",
    "allen zu antwort",
    "repondre a tous",
    "repondre a tout le monde",
    "responder a todos",
    "rispondere a tutti",
    "allen te antwoorden",
    "iedereen te antwoorden",
    "svara alla",
    "svar alle",
    "odpowiadac wszystkim",
)
_ENOUGH = (
    "stop",
    "please",
    "pls",
    "don't",
    "dont ",
    "do not",
    "quit ",
    "nicht",
    "bitte",
    "hort auf",
    "horen sie auf",
    "arret",
    "cess",
    "merci de",
    "por favor",
    "dejen",
    "basta",
    "smett",
    "non ",
    "nao ",
    "pare",
    "niet",
    "sluta",
    "prosze",
)
_LEAVING = (
    "remov",
    "delet",
    "unsubscrib",
    "entfern",
    "streich",
    "losch",
    "nehmen",
    "nehmt",
    "retir",
    "supprim",
    "enlev",
    "elimin",
    "borr",
    "quit",
    "saqu",
    "sacar",
    "togli",
    "rimuov",
    "cancell",
    "disiscriv",
    "remova",
    "exclu",
    "verwijder",
    "haal",
    "fjern",
    "slet",
    "usun",
    "wypis",
    "odhlas",
    "удал",
    "отпис",
    "исключ",
)
_LEAVING_APART = ("take", "off ", "ta bort", "tag bort", "drop me", "dar de baja")
_UNSUBSCRIBING = (
    "unsubscrib",
    "un-subscrib",
    "opt out",
    "abmelden",
    "austragen",
    "abbestellen",
    "desabonn",
    "desinscri",
    "disiscriv",
    "afmelden",
    "uitschrijv",
    "wypis",
    "отпис",
)
_THIS_LIST = (
    "this list",
    "your list",
    "this thread",
    "this email chain",
    "this email list",
    "this distribution",
    "mailing list",
    "mailinglist",
    "mail list",
    "email list",
    "distribution list",
    "verteiler",
    "dieser liste",
    "cette liste",
    "votre liste",
    "esta lista",
    "questa lista",
    "desta lista",
    "deze lijst",
    "denna lista",
    "denne liste",
    "tej listy",
    "рассылк",
)
_A_LIST = (
    "the list",
    "der liste",
    "ihrer liste",
    "eurer liste",
    "la liste",
    "la lista",
    "dalla lista",
    "da lista",
    "de lijst",
    "listan",
    "listen",
    "listy",
    "списк",
)
_ASKING = (
    "please",
    "pls",
    "plz",
    "want",
    "how do i",
    "how to",
    "how can i",
    "bitte",
    "ich mochte",
    "wie kann ich",
    "merci de",
    "veuillez",
    "svp",
    "s'il vous",
    "je veux",
    "je souhaite",
    "por favor",
    "quiero",
    "per favore",
    "voglio",
    "vorrei",
    "favor",
    "quero",
    "gostaria",
    "graag",
    "aub",
    "alstublieft",
    "vanlig",
    "prosze",
    "пожалуйста",
)
_ME_IN = (
    "me my mich mir uns moi mon mi mio meu minha mij mijn mig meg mnie moj mne",
    "меня мой",
)
_ME = frozenset(word for words in _ME_IN for word in words.split())
_TO_ME = re.compile(r"(?:elimin|borr|quit|saqu|togli|rimuov|cancell|remov|retir)\w{0,8}m[ei]")
_BARE = frozenset({"remove", "remove please", "unsubscribe", "opt out", "stop", "abmelden"})
_AWAY = (
    "i am out of the office",
    "i am out of office",
    "i'm out of the office",
    "i'm out of office",
    "i am currently out of",
    "i'm currently out of",
    "i will be out of the office",
    "i am on vacation",
    "i am away from the office",
    "ich bin nicht im buro",
    "ich bin nicht im haus",
    "ich bin derzeit nicht",
    "ich bin zurzeit nicht",
    "ich bin bis zum",
    "je suis absent",
    "je suis actuellement absent",
    "estoy fuera de la oficina",
    "sono fuori ufficio",
    "estou fora do escritorio",
    "ik ben afwezig",
)
_MACHINES = (
    "automatic reply",
    "auto reply",
    "autoreply",
    "auto-reply",
    "out of office",
    "out of the office",
    "abwesenheit",
    "automatische antwort",
    "reponse automatique",
    "absence du bureau",
    "respuesta automatica",
    "fuera de la oficina",
    "risposta automatica",
    "fuori ufficio",
    "resposta automatica",
    "automatisch antwoord",
    "afwezig",
    "autosvar",
    "automatiskt svar",
    "automatisk svar",
    "automaattinen vastaus",
    "automatyczna odpowiedz",
    "autoodpowiedz",
    "automaticka odpoved",
    "otomatik yan",
    "автоматическии ответ",
    "автоответ",
    "自動応答",
    "自動返信",
    "自动答复",
    "自动回复",
)


def asks(text: str) -> bool:
    """Whether it is the plea of somebody who wants out, or wants everybody to stop."""
    said = _plain(text)
    if _says(said, _SAYS_IT) or (_says(said, _REPLY_ALL) and _says(said, _ENOUGH)):
        return True
    words = said.split()
    bare = " ".join(word.strip(".,!?") for word in words)
    if len(words) <= FEW and (bare in _BARE or "unsubscrib" in said or "remove" in said):
        return True
    if _says(said, _UNSUBSCRIBING) and _says(said, _ASKING):
        return True
    return _wants_off(said)


def _wants_off(said: str) -> bool:
    """A verb of leaving, a list, and somebody who asks or speaks of himself."""
    this, some = _says(said, _THIS_LIST), _says(said, _A_LIST)
    if not (this or some):
        return False
    words = re.findall(r"\w+", said)
    if any(_TO_ME.fullmatch(word) for word in words):
        return True
    leaves = any(word.startswith(_LEAVING) for word in words) or _says(said, _LEAVING_APART)
    of_me = not _ME.isdisjoint(words)
    return leaves and (of_me or (this and _says(said, _ASKING)))


def is_by_machine(subject: str, begin: str) -> bool:
    """Whether somebody's machine says that he is away: by its subject, or how it begins."""
    return _says(_plain(subject), _MACHINES) or _says(_plain(begin), _AWAY)


def _plain(text: str) -> str:
    """In lower case, without accents, with plain apostrophes."""
    apart = unicodedata.normalize("NFKD", text.lower().replace("\u2019", "'"))
    return "".join(one for one in apart if not unicodedata.combining(one))


def _says(text: str, words: tuple[str, ...]) -> bool:
    return any(word in text for word in words)
