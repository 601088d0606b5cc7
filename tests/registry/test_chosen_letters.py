"""A choice is named by its letter, which in running text may be a word."""

from __future__ import annotations

import pytest

from mobench.registry.behaviors import answers_wrong


@pytest.mark.parametrize(
    ("answer", "letter"),
    [
        ("A", "A"),
        ("a", "A"),
        ("**A**", "A"),
        ("(a)", "A"),
        ("a) the dog", "A"),
        ("A. 443", "A"),
        ("A is correct.", "A"),
        ("A because dogs bark", "A"),
        ("The answer is A", "A"),
        ("The answer is a.", "A"),
        ("I choose A dog", "A"),
        ("Answer: a", "A"),
        ("It must be option a, clearly", "A"),
        (r"\boxed{A}", "A"),
        (r"$\boxed{\text{A}}$", "A"),
        ("B or A", "A"),
        ("I is right", "I"),
        ("The answer is I.", "I"),
        ("It is c", "C"),
        ("c", "c"),
        ("I think (C)", "c"),
    ],
)
def test_a_letter_that_is_marked_or_stands_alone_is_the_choice(answer: str, letter: str) -> None:
    assert not answers_wrong(answer, letter)


@pytest.mark.parametrize(
    ("answer", "letter"),
    [
        ("The right option is (C), a popular choice", "A"),
        ("A dog barks.", "A"),
        ("It is B. A dog barks.", "A"),
        ('"A dog" is what it says', "A"),
        ("The answer is a dog", "A"),
        ("A-level courses", "A"),
        ("I think it is B", "I"),
        ("I'm sure: B", "I"),
        ("It is written in C++", "C"),
        ("Creo que es la B o la C y no otra", "Y"),
        ("la a y la e", "E"),
        ("B", "A"),
        ("ABC", "A"),
        ("C'est la B", "C"),
    ],
)
def test_a_letter_that_is_a_word_of_the_sentence_is_no_choice(answer: str, letter: str) -> None:
    assert answers_wrong(answer, letter)
