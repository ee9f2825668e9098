"""The rows of the table of keywords, by what they are about; `keywords.KEYWORDS` joins them."""
