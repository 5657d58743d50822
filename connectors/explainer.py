"""Prose of any chat endpoint that speaks OpenAI's protocol: a question, an answer. What is asked is not this module's.

Nothing is sent but what the caller gives; redirects are not followed, since they would take the key elsewhere.
"""

from __future__ import annotations

import aiohttp
import msgspec
from msgspec import Struct

ANSWER_S = 120.0
"""A large model on a small machine takes its time. Our choice."""
LONGEST = 1 << 20
"""Bytes of an answer."""


class ExplainerFailed(Exception):
    """No prose came; the message says why and what to do."""


class _Message(Struct):
    content: str | None = None


class _Choice(Struct):
    message: _Message


class _Answer(Struct):
    choices: list[_Choice]


class ChatExplainer:
    """A model behind a URL such as http://127.0.0.1:11434/v1; the key may be empty."""

    def __init__(self, url: str, model: str, key: str = "") -> None:
        if not url or not model:
            raise ExplainerFailed(
                "no explainer is set: name a chat endpoint by FOREWARN_EXPLAINER_URL, as http://127.0.0.1:11434/v1, "
                "and its model by FOREWARN_EXPLAINER_MODEL"
            )
        self.model = model
        self._url = f"{url.rstrip('/')}/chat/completions"
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    async def prose(self, asked: str, facts: str) -> str:
        """What the model makes of facts, asked so. Raises ExplainerFailed."""
        messages = [{"role": "system", "content": asked}, {"role": "user", "content": facts}]
        body = {"model": self.model, "temperature": 0, "messages": messages}
        timeout = aiohttp.ClientTimeout(total=ANSWER_S)
        try:
            async with (
                aiohttp.ClientSession(headers=self._headers, timeout=timeout) as session,
                session.post(self._url, json=body, allow_redirects=False) as reply,
            ):
                status, said = reply.status, await reply.content.read(LONGEST)
        except (aiohttp.ClientError, OSError, ValueError) as broken:  # TimeoutError is an OSError
            words = str(broken) or type(broken).__name__
            raise ExplainerFailed(f"the explainer at {self._url} does not answer: {words}") from broken
        if status != 200:
            raise ExplainerFailed(
                f"the explainer at {self._url} said {status}: {said[:200].decode('utf-8', 'replace')}"
            )
        return self._content(said)

    def _content(self, said: bytes) -> str:
        try:
            choices = msgspec.json.decode(said, type=_Answer).choices
        except msgspec.DecodeError as odd:
            raise ExplainerFailed(f"the explainer at {self._url} answered what is no chat completion: {odd}") from odd
        content = choices[0].message.content if choices else None
        if not content or not content.strip():
            raise ExplainerFailed(f"the explainer at {self._url} answered nothing")
        return content
