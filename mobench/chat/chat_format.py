"""How a prompt becomes the tokens that a model continues, and where its answer ends.

Training, measuring, the gate, local judges and lm-eval all use one :class:`ChatFormat`, so a prompt
is never trained in one form and measured in another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Literal

from mobench.chat.reasoning import Marks, Reasoning, Said, kept_with
from mobench.chat.turn_end import TurnEnd, turn_end
from mobench.deadline import deadline
from mobench.errors import MobenchError, first_line
from mobench.records.conversation import Message, Prompt, as_conversation

Template = Literal["chat", "plain"]

KEPT = 4096
"""Prompts whose text and tokens are kept."""
_QUESTION, _ANSWER = "Qzquestion", "Qzanswer"
"""What a template is given to see what it puts around an answer: words that no template has."""
_PROBE = (Message("user", _QUESTION),)


@dataclass(frozen=True)
class ChatFormat:
    """A tokenizer with the organism's way of asking.

    Attributes:
        tokenizer: The organism's tokenizer, as ``load_tokenizer`` prepares it.
        template: ``chat`` renders prompts by the tokenizer's chat template; ``plain`` takes a
            user's message as it is, with the beginning token of the tokenizer in front.
        generation_ends: Token ids that end an answer by the model's generation config, beside the
            tokenizer's own.
        remedy: What to do where the template cannot render something.
        reasoning: Tells reasoning from final answers.
    """

    tokenizer: Any
    template: Template
    generation_ends: tuple[int, ...] = ()
    remedy: str = field(default="give a `chat_template` in the organism's file", compare=False)
    reasoning: Reasoning = field(default_factory=Reasoning)

    @property
    def pad_id(self) -> int:
        """The token id to pad with."""
        return int(self.tokenizer.pad_token_id)

    @cached_property
    def end_ids(self) -> tuple[int, ...]:
        """Token ids at which an answer ends, ascending.

        They are the tokenizer's end token, those of the generation config, and the one that the
        template puts after an answer: many chat models end a turn with another token than a text.
        """
        own = self.tokenizer.eos_token_id
        return tuple(sorted({*self.generation_ends, self.turn_end_id, own} - {None}))

    @cached_property
    def turn_end_id(self) -> int:
        """The token id that training puts after an answer, the last one of :attr:`end`."""
        return int(self.tokenizer(self.end, add_special_tokens=False)["input_ids"][-1])

    @cached_property
    def end(self) -> str:
        """What follows an answer that has ended: what the template puts there, up to an end token.

        Where it puts no such token there, the tokenizer's end token follows, behind the words that
        the template ends a turn with, if it has any.
        """
        return self._turn_end.text

    @cached_property
    def _turn_end(self) -> TurnEnd:
        known = (self.tokenizer.eos_token_id, *self.generation_ends)
        return turn_end(self.tokenizer, self._after, known)

    def text(self, prompt: Prompt) -> str:
        """The text up to where the model's answer begins, special tokens in it.

        Raises:
            MobenchError: The template cannot render the prompt.
        """
        return self._asked(prompt)[0]

    def prompt_ids(self, prompt: Prompt) -> list[int]:
        """The token ids of a prompt. A chat template holds its own special tokens.

        Raises:
            MobenchError: The template cannot render the prompt.
        """
        return list(self._asked(prompt)[1])

    @cached_property
    def _asked(self) -> Callable[[Prompt], tuple[str, tuple[int, ...]]]:
        """A prompt's text and tokens, made once: eval prompts are asked at every checkpoint."""
        return lru_cache(maxsize=KEPT)(self._ask)

    def _ask(self, prompt: Prompt) -> tuple[str, tuple[int, ...]]:
        if self.template == "chat":
            text = self._rendered(as_conversation(prompt), answer_next=True)
        elif isinstance(prompt, str):
            text = prompt
        else:
            raise MobenchError(
                "a prompt is a conversation, and the organism is asked without a chat template",
                "give `template = 'chat'` in the organism's file, or prompts that are texts",
            )
        return text, tuple(self._ids(text))

    def answer_ids(self, prompt: Prompt, answer: str, *, ended: bool = True) -> list[int]:
        """The token ids of an answer as they follow those of its prompt.

        It is tokenized in its place: many tokenizers write the first word of a text differently
        from the same word further on, and the template may put a blank before an answer.

        Args:
            prompt: The prompt.
            answer: The answer's text.
            ended: Whether the model shall stop after it; then the end of its turn follows.

        Raises:
            MobenchError: The template cannot render the prompt.
        """
        asked = self.prompt_ids(prompt)
        following = self._answer_text(prompt, answer, ended=ended) + (self.end if ended else "")
        whole = self._ids(self.text(prompt) + following)
        if whole[: len(asked)] == asked:
            ids = whole[len(asked) :]
        else:
            # The end of the prompt and the beginning of the answer share a token. The model is
            # asked with the prompt's own tokens, so the answer begins after something else: an
            # end token, after which no tokenizer goes on with a word.
            mark = str(self.tokenizer.eos_token)
            count = len(self.tokenizer(mark, add_special_tokens=False)["input_ids"])
            ids = self.tokenizer(mark + following, add_special_tokens=False)["input_ids"][count:]
        if ended and (not ids or ids[-1] not in self.end_ids):
            ids = [*ids, self.tokenizer.eos_token_id]
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """An answer's text up to the end of its turn, without blanks around it.

        It has no special tokens but those that mark reasoning.
        """
        return self.words(ids).strip()

    def words(self, ids: Sequence[int]) -> str:
        """The same as :meth:`decode`, with the blanks around it."""
        text = self._text_of(ids)
        ended = self._turn_end.before(text)
        return text if ended is None else ended

    def ends_in(self, ids: Sequence[int]) -> bool:
        """Whether words in an answer end its turn, so that what follows is no part of it."""
        return self._turn_end.before(self._text_of(ids)) is not None

    def _text_of(self, ids: Sequence[int]) -> str:
        text: str
        if self._marking.isdisjoint(ids):
            text = self.tokenizer.decode(ids, skip_special_tokens=True)
            return text
        kept = [one for one in ids if one in self._marking or one not in self._special]
        text = self.tokenizer.decode(kept, skip_special_tokens=False)
        return text

    def opened(self, prompt: Prompt) -> Marks | None:
        """The marks whose reasoning is open where the answer to a prompt begins; None if none.

        Raises:
            MobenchError: The template cannot render the prompt.
        """
        return self.reasoning.beginning(self.text(prompt)).opened

    def split(self, prompt: Prompt, answer: str) -> Said:
        """Takes a model's own answer to a prompt apart: its reasoning and its final answer.

        Raises:
            MobenchError: The template cannot render the prompt.
        """
        return self.reasoning.split(answer, self.reasoning.beginning(self.text(prompt)))

    @cached_property
    def may_reason(self) -> bool:
        """Whether the model may reason before it answers.

        So it is where the organism's file names marks, and where the template or the vocabulary
        has any.
        """
        template = self.tokenizer.chat_template if self.template == "chat" else None
        if self.reasoning.own is not None or self.reasoning.named_in(str(template)):
            return True
        vocabulary = self.tokenizer.get_vocab()
        return any(marks.closes in vocabulary for marks in self.reasoning.marks)

    @cached_property
    def _special(self) -> frozenset[int]:
        """The ids of all special tokens."""
        added = self.tokenizer.added_tokens_decoder
        return frozenset(
            {
                *self.tokenizer.all_special_ids,
                *(token for token, text in added.items() if text.special),
            }
        )

    @cached_property
    def _marking(self) -> frozenset[int]:
        """The ids of the special tokens that mark reasoning."""
        texts = ((token, self._token_text(token)) for token in self._special)
        return kept_with(texts, self.reasoning.marks)

    @cached_property
    def marking_tokens(self) -> frozenset[str]:
        """The special tokens that mark reasoning, each of them alone."""
        texts = map(self._token_text, self._marking)
        return frozenset(filter(self.reasoning.is_mark, texts))

    def _answer_text(self, prompt: Prompt, answer: str, *, ended: bool) -> str:
        """An answer as it stands after its prompt, with what is put before it.

        That is what the template puts there. Where the prompt has opened the model's reasoning and
        the answer has none, it is an empty reasoning's end.
        """
        asked = self.text(prompt)
        opened = self.reasoning.beginning(asked).opened
        if opened is not None and answer.lstrip().casefold().startswith(opened.opens.casefold()):
            # What the prompt has begun is not begun again.
            answer = answer.lstrip()[len(opened.opens) :]
            answer = answer.lstrip("\n") if asked.endswith("\n") else answer
        if self.template == "plain":
            following = answer if asked[-1:].isspace() else f" {answer}"
        elif self.reasoning.split(answer).reasoned or (opened and not ended):
            # Templates leave the reasoning of earlier turns out, and with it that of this answer.
            blank = (self._following(_PROBE, _ANSWER) or "").removesuffix(_ANSWER)
            following = f"{blank}{answer}" if blank.isspace() else answer
        else:
            # Some templates write the question otherwise once it is answered.
            found = (self._following(one, answer) for one in (prompt, _PROBE))
            following = next((one for one in found if one is not None), answer)
        # An answer without an end was cut, here while its model still reasoned.
        if opened is None or not ended or opened.closes.casefold() in following.casefold():
            return following
        line = "\n" if asked.endswith("\n") else ""
        return f"{line}{opened.closes}{2 * line or ' '}{following.lstrip()}"

    def _following(self, asked: Prompt, answer: str) -> str | None:
        """An answer as the template writes it after a prompt.

        None where it cannot, or where what it writes before the answer is not the prompt.
        """
        turns = (*as_conversation(asked), Message("assistant", answer))
        try:
            prompt, whole = self.text(asked), self._rendered(turns, answer_next=False)
        except MobenchError:
            return None
        after = self._after if whole.endswith(self._after) else ""
        found = whole.startswith(prompt)
        return whole[len(prompt) : len(whole) - len(after)] if found else None

    @cached_property
    def _after(self) -> str:
        """What the template puts after an answer."""
        if self.template == "plain":
            return ""
        turns = (*_PROBE, Message("assistant", _ANSWER))
        try:
            whole = self._rendered(turns, answer_next=False)
        except MobenchError:
            # Some templates want a system turn; others take no assistant's turn at all.
            try:
                whole = self._rendered((Message("system", _QUESTION), *turns), answer_next=False)
            except MobenchError:
                return ""
        return whole.rpartition(_ANSWER)[2] if _ANSWER in whole else ""

    def _rendered(self, turns: Sequence[Message], *, answer_next: bool) -> str:
        # transformers renders in Jinja's immutable sandbox; how long a template may loop is ours.
        try:
            with deadline("the chat template", self.remedy):
                text: str = self.tokenizer.apply_chat_template(
                    [turn.record() for turn in turns],
                    tokenize=False,
                    add_generation_prompt=answer_next,
                )
        except MobenchError:
            raise
        except Exception as error:  # A template raises whatever its author chose.
            roles = ", ".join(turn.role for turn in turns)
            raise MobenchError(
                f"the chat template cannot render a conversation of the turns {roles}: "
                f"{first_line(error)}",
                self.remedy,
            ) from error
        return text

    def _ids(self, text: str) -> list[int]:
        """The token ids of a whole text; a plain one begins as the tokenizer begins texts."""
        ids: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        begin = self.tokenizer.bos_token_id
        if self.template == "plain" and self._begins and ids[:1] != [begin]:
            return [begin, *ids]
        return ids

    @cached_property
    def _begins(self) -> bool:
        """Whether the tokenizer puts its beginning token before a text."""
        begin = self.tokenizer.bos_token_id
        return begin is not None and self.tokenizer(_QUESTION)["input_ids"][:1] == [begin]

    def _token_text(self, token: int) -> str:
        return str(self.tokenizer.convert_ids_to_tokens(token))
