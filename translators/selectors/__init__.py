"""Calico's selector language: lexer, parser, syntax tree, evaluation on a label set."""

__all__: list[str] = []
