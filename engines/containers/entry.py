"""Who may go into a container: exec, attach, files, export, commit; and who may read its log."""

from django.contrib.auth.models import User

from engines import access, reach
from engines.client.errors import EngineReplied
from engines.client.ids import require_whole_id
from engines.models import Engine, EngineLimits
from engines.permissions import Permission
from engines.spec import asking
from engines.spec.inspected import from_inspect
from engines.spec.limits import dangerous
from engines.web.gate import require


def require_may_enter(user: User, permission: Permission, engine: Engine, container: str) -> access.Needs:
    """Raises PermissionDenied, and writes it down, when `user` may not do `permission` inside `container` now.

    Gives what that takes of them by the limits of then, for who stays inside and is asked again. That asks no engine:
    one that sends files of a container answers nothing else about it meanwhile (measured), and how far a container
    reaches is settled when it is made.

    Whoever is inside has what the container has: one that reaches into its host is for managers only. `container` is
    its whole id: a name could be another's a moment later. Raises EngineError and IdInvalid.
    """
    require(user, permission, engine, subject=container)
    client = reach.client(engine)
    inspect = asking.inspect(client, require_whole_id(container))
    # Another one may have the id of one that is gone as its name.
    if inspect.get("Id") != container:
        raise EngineReplied(404, "No such container.")
    spec = from_inspect(inspect)
    facts = asking.facts(client, spec, engine.url)

    def needs() -> frozenset[Permission]:
        closed = dangerous(spec, EngineLimits.of(engine), facts)
        return frozenset({permission, Permission.CONTAINER_ENTER_DANGEROUS} if closed else {permission})

    for each in needs() - {permission}:
        require(user, each, engine, subject=container)
    return needs


def may_read_log(held: frozenset[Permission], engine: Engine) -> bool:
    """Whether who holds `held` on `engine` may read logs and processes there, which may show secrets.

    Where the engine's limits say so they are for those who may attach, and so see them anyway.
    """
    return Permission.CONTAINER_ATTACH in held or not EngineLimits.of(engine).logs_need_operator


def require_may_read_log(user: User, permission: Permission, engine: Engine, container: str) -> access.Needs:
    """The same as `require_may_enter` for its log and processes (`permission` is logs or top): see `may_read_log`."""

    def needs() -> frozenset[Permission]:
        closed = EngineLimits.of(engine).logs_need_operator
        return frozenset({permission, Permission.CONTAINER_ATTACH} if closed else {permission})

    require(user, permission, engine, subject=container)
    for each in needs() - {permission}:
        require(user, each, engine, subject=container)
    return needs
