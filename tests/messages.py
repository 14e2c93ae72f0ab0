"""Messages are held to their telling words: names, numbers, commands; not to a sentence."""

import re


def telling(*words: str) -> str:
    """A pattern for `pytest.raises` that finds messages with all `words`, in whatever order."""
    return "(?s)^" + "".join(f"(?=.*{re.escape(word)})" for word in words)


def numbers(text: str, word: str) -> list[int]:
    """The whole numbers in the first line that holds `word`."""
    line = next(line for line in text.splitlines() if word in line)
    return [int(found) for found in re.findall(r"\d+", line)]
