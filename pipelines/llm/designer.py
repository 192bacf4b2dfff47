"""The designer on a language model: conversations over the network, many at once.

It is the network half of `copilot.designers.llm`, whose conversations yield what to ask.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from contextlib import AsyncExitStack
from importlib.metadata import version
from typing import Self, TypeVar

from copilot.designers.account import Usage
from copilot.designers.contract import Design, DesignerContext, DesignerInfo, DesignFault
from copilot.designers.llm import judge
from copilot.designers.llm.conversation import VERSION, Conversation
from copilot.designers.llm.exchange import Ask, Reply
from copilot.designers.llm.forms import FormBook
from copilot.designers.llm.service import LlmLimits
from copilot.dialogue import Dialogue
from copilot.errors import CopilotError, RowFault, UserError, format_traceback
from copilot.library_sound import hash_sounds
from copilot.normalise import normalise_dialogue
from copilot.seed import Seed
from copilot.vocabulary import Check
from pipelines.llm.client import ModelClient, RequestForm
from pipelines.llm.keys import get_judge_key, get_model_key
from pipelines.llm.load_meter import LoadMeter
from pipelines.llm.refusals import ServerRole
from renderers.http_environment import check_environment

T = TypeVar("T")


class LlmDesigner:
    """An `AsyncDesigner`. Without a service it only has a fingerprint.

    Raises UserError for proxies or certificates of the environment that no connection can use. Entering it
    asks the servers for their models: raises UserError if one does not serve the model, ServersGoneError if
    none answers for as long as the service's patience lasts.
    """

    name = "llm"
    info = DesignerInfo(
        summary="Dialogues by a language model on servers with OpenAI's chat completions protocol",
        extra="llm",
        modules=("openai", "httpx2"),
        licence="Apache-2.0",
        draws_tasks=True,
        draws_speech=True,
        takes_requests=True,
        continues=True,
        asks_model=True,
        takes_library=True,
    )

    def __init__(self, context: DesignerContext) -> None:
        if context.llm is None:
            raise UserError("the designer 'llm' asks a language model; give its settings", field="llm")
        if context.service is not None:
            check_environment()
        self.concurrency = context.service.concurrency if context.service else 1
        self._book = FormBook(
            context.limits,
            context.n_turns,
            context.llm,
            context.task_weights,
            context.speech_share,
            language=context.language,
            library=context.library,
        )
        self._settings = context.llm
        self._service = context.service
        self._open = AsyncExitStack()
        self._writing: set[Conversation] = set()
        self._usage = Usage()

    def fingerprint(self) -> dict[str, str]:
        """Return the model, the source of examples, and the versions of the code that asks and reads."""
        facts = {
            "designer": self.name,
            "version": VERSION,
            "model": self._settings.model,
            "json-repair": version("json-repair"),
        }
        if self._book.library:
            facts["library"] = hash_sounds(self._book.library)
        return facts | ({"examples": self._book.examples.hash_content()} if self._settings.examples else {})

    def prompt_hashes(self) -> dict[str, str]:
        """Return the hashes of the prompts that these settings use."""
        modes = {"both", self._settings.mode}
        if self._settings.judge_model:
            modes.add("judge")
        if self._book.has_own_language:
            modes.add("language")
        prompts = (self._book.prompts.get(name) for name in self._book.prompts.names())
        return {prompt.name: prompt.hash for prompt in prompts if prompt.mode in modes}

    async def __aenter__(self) -> Self:
        service, settings = self._service, self._settings
        if service is None:
            raise UserError("the designer 'llm' has no server to ask; give one", field="service")
        async with AsyncExitStack() as opening:
            role = ServerRole(get_model_key())
            self._client = await self._connect(opening, service, service.urls, settings.model, role)
            self._judge = self._client
            judge_urls = service.judge_urls or service.urls
            judge_model = settings.judge_model or settings.model
            if (judge_urls, judge_model) != (service.urls, settings.model):
                role = ServerRole(
                    get_judge_key(elsewhere=judge_urls != service.urls),
                    "judge_urls" if service.judge_urls else "llm_url",
                    "judge_model" if settings.judge_model else "llm_model",
                )
                self._judge = await self._connect(opening, service, judge_urls, judge_model, role)
            self._open = opening.pop_all()
        self._meter = LoadMeter(self._client)
        return self

    async def _connect(
        self,
        opening: AsyncExitStack,
        limits: LlmLimits,
        urls: Sequence[str],
        model: str,
        role: ServerRole,
    ) -> ModelClient:
        client = ModelClient(urls, model, form=RequestForm.of(self._settings), limits=limits, role=role)
        await opening.enter_async_context(client)
        await client.find_served_models()
        return client

    async def __aexit__(self, *exc_info: object) -> None:
        await self._open.aclose()

    async def server_load(self) -> str | None:
        """Return how busy the servers are, in words; None if they do not report it."""
        return await self._meter.measure()

    def count_usage(self) -> Usage:
        """Return the use of the model so far, for unfinished dialogues too, which count no seconds yet."""
        return sum((conversation.account(0.0).usage for conversation in self._writing), self._usage)

    async def design_async(self, seed: Seed, run_seed: int) -> Design:
        """Return the dialogue for a seed, judged if wanted. Raises DesignFault if none can be made."""
        started = time.monotonic()
        conversation = Conversation(self._book, seed, run_seed)
        self._writing.add(conversation)
        try:
            dialogue = await _converse(conversation.steps(), self._client)
            checks = await self._judge_turns(dialogue, conversation)
        except RowFault as fault:
            account = conversation.account(time.monotonic() - started)
            raise DesignFault(fault.reason, fault.detail, account) from fault
        except (CopilotError, MemoryError):
            raise
        except Exception as error:  # the row is rejected, and keeps the replies
            account = conversation.account(time.monotonic() - started)
            raise DesignFault("unexpected-error", format_traceback(error), account) from error
        finally:
            self._writing.remove(conversation)
            self._usage += conversation.account(time.monotonic() - started).usage
        return Design(dialogue, conversation.account(time.monotonic() - started), checks)

    async def _judge_turns(self, dialogue: Dialogue, conversation: Conversation) -> tuple[Check, ...]:
        if not self._settings.judge_model:
            return ()
        mended, _ = normalise_dialogue(dialogue, self._book.limits)
        steps = judge.judge_turns(mended, self._book, conversation.log)
        try:
            return await _converse(steps, self._judge)
        except RowFault:
            # A judge that cannot be asked is not a fault of the dialogue.
            return judge.report_no_verdict(mended)


async def _converse(steps: Generator[Ask, Reply, T], client: ModelClient) -> T:
    """Send the steps the replies to what they ask, and return what they return."""
    try:
        ask = next(steps)
        while True:
            ask = steps.send(await client.ask(ask))
    except StopIteration as done:
        result: T = done.value
        return result
