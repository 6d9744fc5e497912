"""Cut a selector into tokens as Calico's tokenizer does.

White space is blank and tab only; a newline is an error of its own. ``has(…)``, ``all()`` and ``global()``
take no blank before the parenthesis. A word operator counts only right after a label and must end at a
character that cannot belong to a label, so a label may itself be called ``in``.

Source: projectcalico/calico ``libcalico-go/lib/selector/tokenizer/tokenizer.go``.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["SelectorError", "Token", "tokens"]

_LABEL = r"[A-Za-z0-9_./-]{1,512}"
_FUNCTION = re.compile(
    rf"has\([ \t]*(?P<has>{_LABEL})[ \t]*\)|(?P<all>all)\([ \t]*\)|(?P<global>global)\([ \t]*\)"
)
_WORD = re.compile(r"(?P<word>contains|starts[ \t]*with|ends[ \t]*with|not[ \t]*in|in)(?![A-Za-z0-9_./-])")
_WORDS = {"startswith": "starts with", "endswith": "ends with", "notin": "not in"}
_SYMBOL = re.compile(r"==|!=|\|\||&&|[!(){},]")
_LABEL_TOKEN = re.compile(_LABEL)


class SelectorError(ValueError):
    """The text is no selector; ``column`` counts from 1, ``newline`` marks the most common cause."""

    def __init__(self, message: str, column: int, *, newline: bool = False) -> None:
        """Keep where and why."""
        super().__init__(message)
        self.column = column
        self.newline = newline


class Token(NamedTuple):
    """``kind`` is the symbol or word itself, or ``label``, ``string``, ``has``, ``all``, ``global``, ``end``."""

    kind: str
    text: str
    column: int


def tokens(text: str) -> list[Token]:
    """Give the tokens, the last of kind ``end``; raises ``SelectorError``."""
    result: list[Token] = []
    position = 0
    while position < len(text):
        if text[position] in " \t":
            position += 1
            continue
        after_label = bool(result) and result[-1].kind == "label"
        token, position = _next(text, position, after_label=after_label)
        result.append(token)
    result.append(Token("end", "", len(text) + 1))
    return result


def _next(text: str, start: int, *, after_label: bool) -> tuple[Token, int]:
    column = start + 1
    if text[start] in "\r\n":
        raise SelectorError("a newline is not allowed in a selector", column, newline=True)
    if text[start] in "'\"":
        end = text.find(text[start], start + 1)
        if end < 0:
            raise SelectorError("the string is not closed", column)
        return Token("string", text[start + 1 : end], column), end + 1
    if symbol := _SYMBOL.match(text, start):
        return Token(symbol[0], symbol[0], column), symbol.end()
    if after_label and (word := _WORD.match(text, start)):
        plain = re.sub(r"[ \t]", "", word[0])
        return Token(_WORDS.get(plain, plain), word[0], column), word.end()
    if function := _FUNCTION.match(text, start):
        kind = str(function.lastgroup)
        name = function["has"] if kind == "has" else kind
        return Token(kind, name, column), function.end()
    if label := _LABEL_TOKEN.match(text, start):
        return Token("label", label[0], column), label.end()
    raise SelectorError(f"unexpected character {text[start]!r}", column)
