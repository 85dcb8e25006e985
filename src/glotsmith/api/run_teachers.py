"""The teachers of a run and of its roles. They share the cache, the ledger and the budget."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from glotsmith.api.role_config import RoleTeacher
from glotsmith.api.run_config import RunConfig
from glotsmith.api.spending import RunSpending, check_prices
from glotsmith.api.teacher_gate import TeacherGate
from glotsmith.budget import BudgetLimit
from glotsmith.errors import TeacherError, UsageError
from glotsmith.exchanges import ReceivedReply
from glotsmith.ledger import Ledger
from glotsmith.teachers import open_teacher
from glotsmith.teachers.base import (
    Reply,
    ReplyRounds,
    Request,
    Teacher,
    TeacherFault,
    TeacherLoad,
    Waiting,
    model_label,
)
from glotsmith.teachers.wrappers import CachedTeacher, OnReply, ReplyStore

_CHECK_S = 20.0  #: seconds for the check of one teacher; a slower server has no known fault


class RunTeachers:
    """The open teachers of a run. Roles with equal teachers share one, with its connections and limits."""

    def __init__(self, config: RunConfig) -> None:
        """Open the teachers of a configuration; nothing is sent yet.

        Raises:
            UsageError: A teacher does not exist, or an option of it is wrong.
            InputError: A file that a teacher reads is malformed.

        """
        main = config.resolved_teacher()
        self._open = dict[str, Teacher]()
        chains = config.role_teachers()
        self._main_is_used = not chains or not chains.keys() >= set(config.build_recipe().roles)
        self.by_key = dict[str, Teacher]()  #: key of a table in the configuration → its teacher
        self.main = self._open_once(RoleTeacher("teacher", main, config.teacher.model))
        self.roles = {role: tuple(self._open_once(one) for one in chain) for role, chain in chains.items()}

    def _open_once(self, one: RoleTeacher) -> Teacher:
        config = one.teacher
        if one.identity not in self._open:
            teacher = open_teacher(
                config.name, model=config.model, base_url=config.base_url, options=config.options, key=one.key
            )
            if teacher.model and teacher.model == config.model:
                teacher.model = one.model  # rows name it as the user wrote it, in every working directory
            self._open[one.identity] = teacher
        self.by_key[one.key] = self._open[one.identity]
        return self._open[one.identity]

    @property
    def rounds(self) -> ReplyRounds | None:
        """The rounds of the teacher whose replies arrive later; None if all answer at once.

        Raises:
            UsageError: The teacher is not the only one of the run.

        """
        used = set(self.used().values())
        later = [teacher for teacher in used if getattr(teacher, "rounds", None) is not None]
        if later and len(used) > 1:
            raise UsageError(
                f"the teacher {later[0].name} answers later, and no other teacher can answer in the same run: "
                "remove the roles, or choose teachers that answer at once"
            )
        return later[0].rounds if later else None

    @property
    def distinct(self) -> Sequence[Teacher]:
        """Each teacher once."""
        return tuple(self._open.values())

    def notices(self) -> Iterable[str]:
        """Return what a user must know before the first request."""
        return filter(None, dict.fromkeys(teacher.notice for teacher in self.distinct))

    def used(self) -> Mapping[str, Teacher]:
        """Return key → teacher, without the teacher of the run if each role has its own."""
        return {key: teacher for key, teacher in self.by_key.items() if key != "teacher" or self._main_is_used}

    def check_prices(self, limits: Sequence[BudgetLimit]) -> None:
        """Check that the price of each model is known if a budget limits US dollars. Local models are free.

        Raises:
            UsageError: A price is unknown, or no teacher has a price.

        """
        used = self.used()
        priced = [key for key, teacher in used.items() if not teacher.is_free]
        for key in priced or used:
            check_prices(limits, used[key], key)

    async def find_faults(self) -> dict[str, TeacherFault]:
        """Return key → the fault for which requests cannot succeed. No reply is requested."""
        used = self.used()
        teachers = list(set(used.values()))
        found = await asyncio.gather(*(_find_fault(teacher) for teacher in teachers))
        faults = {teacher: fault for teacher, fault in zip(teachers, found, strict=True) if fault}
        return {key: faults[teacher] for key, teacher in used.items() if teacher in faults}

    async def close(self) -> None:
        """Close all teachers; idempotent."""
        for teacher in self.distinct:
            await teacher.close()


async def _find_fault(teacher: Teacher) -> TeacherFault | None:
    try:
        return await asyncio.wait_for(teacher.find_fault(), _CHECK_S)
    except TimeoutError:
        return None


class CachedTeachers:
    """The teachers of a run with the cache, the ledger and the budget of the run."""

    def __init__(
        self,
        teachers: RunTeachers,
        cache: ReplyStore,
        ledger: Ledger,
        spending: RunSpending,
        notify: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Wrap the teachers. If roles have their own, all are checked before the first request.

        Args:
            teachers: The teachers of the run.
            cache: The cache of replies.
            ledger: The ledger of the run.
            spending: The spending of the run, which admits requests.
            notify: A function that receives uncertain faults.

        """
        self._teachers, self._notify = teachers, notify
        self._check: asyncio.Task[None] | None = None
        self._cached = {
            id(teacher): CachedTeacher(
                teacher,
                cache,
                reply_recorder(ledger, teacher=teacher),
                TeacherGate(spending, teacher, self._check_once),
            )
            for teacher in teachers.distinct
        }
        self.main = self._cached[id(teachers.main)]
        self.roles: Mapping[str, tuple[Teacher, ...]] = {
            role: tuple(self._cached[id(teacher)] for teacher in chain) for role, chain in teachers.roles.items()
        }

    async def _check_once(self) -> None:
        """Check all teachers once.

        Raises:
            TeacherError: The requests to a teacher cannot succeed.

        """
        if not self._teachers.roles:
            return
        if self._check is None:
            self._check = asyncio.create_task(self._find_faults())
        await asyncio.shield(self._check)

    async def _find_faults(self) -> None:
        faults = await self._teachers.find_faults()
        for key, fault in faults.items():
            if not fault.certain:
                self._notify(f"{key}: {fault.sentence}")
        if certain := [f"{key}: {fault.sentence}" for key, fault in faults.items() if fault.certain]:
            raise TeacherError("; ".join(certain))

    def waiting(self) -> Waiting | None:
        """Return the number of open requests, with the failure of the teacher that has not replied for the longest."""
        found = [waiting for one in self._cached.values() if (waiting := one.monitored.waiting())]
        if not found:
            return None
        longest = max(found, key=lambda waiting: waiting.seconds)
        return longest._replace(requests=sum(waiting.requests for waiting in found))

    def load(self) -> TeacherLoad | None:
        """Return the sum of the loads of the teachers; None if no teacher reports a load."""
        found = [load for one in self._cached.values() if (load := one.monitored.load())]
        return TeacherLoad(*map(sum, zip(*found, strict=True))) if found else None

    async def wait_in_flight(self) -> None:
        """Wait for the requests in flight, and store their replies."""
        await asyncio.gather(*(one.wait_in_flight() for one in self._cached.values()))

    async def close(self) -> None:
        """Cancel the requests in flight and close the teachers; idempotent."""
        if self._check is not None:
            self._check.cancel()
            await asyncio.gather(self._check, return_exceptions=True)
        for one in self._cached.values():
            await one.close()


def reply_recorder(ledger: Ledger, now: Callable[[], float] = time.time, *, teacher: Teacher | None = None) -> OnReply:
    """Return the callback that writes the replies of a teacher into the ledger of a run."""
    model = model_label(teacher) if teacher else ""

    def record_reply(request: Request, address: str, reply: Reply, cached: bool) -> None:
        text = request.prompt or "\n\n".join(f"[{message.role}]\n{message.content}" for message in request.messages)
        tokens = reply.input_tokens + reply.output_tokens
        ledger.record_reply(
            ReceivedReply(
                *(address, request.item, request.call, request.sample, text, cached, reply.cost, tokens),
                language=request.context.get("language", ""),
                answered_at=now(),
                model=model,
            )
        )

    return record_reply
