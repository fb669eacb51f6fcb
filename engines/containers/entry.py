"""Who may go into a container: exec, attach, files, export, commit; and who may read its log."""

from django.contrib.auth.models import User

from engines import reach
from engines.client.errors import EngineReplied
from engines.client.ids import require_whole_id
from engines.containers import queries
from engines.models import Engine, EngineLimits
from engines.permissions import Permission
from engines.spec import asking
from engines.web.gate import require


def require_may_enter(user: User, permission: Permission, engine: Engine, container: str) -> frozenset[Permission]:
    """Raises PermissionDenied, and writes it down, when `user` may not do `permission` inside `container` now.

    Gives what that takes of them, for who stays inside and is asked again.

    Whoever is inside has what the container has: one that reaches into its host is for managers only. `container` is
    its whole id: a name could be another's a moment later. Raises EngineError and IdInvalid.
    """
    require(user, permission, engine, subject=container)
    client = reach.client(engine)
    inspect = asking.inspect(client, require_whole_id(container))
    # Another one may have the id of one that is gone as its name.
    if inspect.get("Id") != container:
        raise EngineReplied(404, "No such container.")
    if queries.reach_of(client, engine, inspect).closed:
        require(user, Permission.CONTAINER_ENTER_DANGEROUS, engine, subject=container)
        return frozenset({permission, Permission.CONTAINER_ENTER_DANGEROUS})
    return frozenset({permission})


def may_read_log(held: frozenset[Permission], engine: Engine) -> bool:
    """Whether who holds `held` on `engine` may read logs and processes there, which may show secrets.

    Where the engine's limits say so they are for those who may attach, and so see them anyway.
    """
    return Permission.CONTAINER_ATTACH in held or not EngineLimits.of(engine).logs_need_operator


def require_may_read_log(user: User, permission: Permission, engine: Engine, container: str) -> frozenset[Permission]:
    """The same as `require_may_enter` for its log and processes (`permission` is logs or top): see `may_read_log`."""
    require(user, permission, engine, subject=container)
    if EngineLimits.of(engine).logs_need_operator:
        require(user, Permission.CONTAINER_ATTACH, engine, subject=container)
        return frozenset({permission, Permission.CONTAINER_ATTACH})
    return frozenset({permission})
