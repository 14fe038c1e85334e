"""`fairlead users`: lock users out of a server, from any machine, with the caller's usual AWS settings."""

from typing import Annotated

import typer

app = typer.Typer(help="Lock users out, and let them in again.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The user's name.")]
Profile = Annotated[str | None, typer.Option(metavar="NAME", help="AWS profile.  [default: AWS_PROFILE]")]


@app.command()
def lock(name: Name, profile: Profile = None) -> None:
    """Turn a user's access keys off, void his temporary credentials and end his sessions, all at once.

    Temporary credentials are those of roles that he took on, too. Needs the right to fairlead:LockUser on the
    user.
    """
    from fairlead.client.admin_api import open_admin_api
    from fairlead.client.user_locks import lock_line

    print(lock_line(open_admin_api(profile).call("LockUser", {"UserName": name})))


@app.command()
def unlock(name: Name, profile: Profile = None) -> None:
    """Let a user in again: the access keys that the lock turned off are active again.

    What else it took away stays away. Needs the right to fairlead:UnlockUser on the user.
    """
    from fairlead.client.admin_api import open_admin_api
    from fairlead.client.user_locks import unlock_line

    print(unlock_line(open_admin_api(profile).call("UnlockUser", {"UserName": name})))
