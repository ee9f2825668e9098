"""Several recipients in one transaction, where the list wants no VERP."""

from collections import Counter
from pathlib import Path

from delivery_rig import Clock, Command, House, Sink, numbered, relay, until

from listserv_py.lists.options import HeaderStyle, Options


async def test_equal_copies_share_a_transaction_and_each_has_its_own_outcome(
    tmp_path: Path,
) -> None:
    def answer(command: Command) -> str | None:
        if command.verb == "RCPT" and "reader0003" in command.argument:
            return "550 5.1.1 nobody"
        if command.verb == "RCPT" and "reader0004" in command.argument:
            return "450 4.2.1 later"
        return None

    async with Sink(answer).listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink, connections=1))
        async with house.open():
            await house.subscribe(*numbered(120))
            plain = [f"plain{number}@other.test" for number in range(5)]
            await house.subscribe(*plain, options=Options(html=False))
            own = [f"own{number}@other.test" for number in range(2)]
            await house.subscribe(*own, options=Options(header=HeaderStyle.FULL822))
            async with house.running():
                await house.post(verp=False)

                async def is_recorded() -> bool:
                    return await house.rows("SELECT sent, failed FROM mailing") == [(125, 1)]

                await until(is_recorded)
            assert await house.rows("SELECT tries, rcpt FROM copy") == [
                (1, "reader0004@example.test")
            ]
            assert await house.rows("SELECT address FROM bounce") == [("reader0003@example.test",)]
        assert {mail.sender for mail in sink.taken} == {"owner-test-l@lists.test"}
        assert Counter(len(mail.rcpts) for mail in sink.taken) == {98: 1, 20: 1, 5: 1, 1: 2}
        assert all(count == 1 for count in Counter(sink.recipients()).values())


async def test_a_host_that_takes_few_at_once_gets_the_rest_in_further_transactions(
    tmp_path: Path,
) -> None:
    counts = Counter[int]()

    def answer(command: Command) -> str | None:
        if command.verb == "MAIL":
            counts[command.connection] = 0
        if command.verb == "RCPT":
            counts[command.connection] += 1
            return "452 4.5.3 too many" if counts[command.connection] > 30 else None
        return None

    async with Sink(answer).listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink, connections=1))
        async with house.open():
            await house.subscribe(*numbered(100))
            async with house.running():
                await house.post(verp=False)
                await house.drained()
            assert await house.rows("SELECT state, sent FROM mailing") == [("done", 100)]
        assert [len(mail.rcpts) for mail in sink.taken] == [30, 30, 30, 10]
        assert len(set(sink.recipients())) == 100


async def test_without_pipelining_it_is_the_same(tmp_path: Path) -> None:
    async with Sink(extensions=()).listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink, connections=1))
        async with house.open():
            await house.subscribe(*numbered(12))
            async with house.running():
                await house.post(verp=False)
                await house.drained()
        assert [sorted(mail.rcpts) for mail in sink.taken] == [list(numbered(12))]
