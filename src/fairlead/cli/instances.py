"""`fairlead instances`: look after nodes that joined by their cloud's word (`i-…`), from any machine."""

from typing import Annotated

import typer

app = typer.Typer(help="Let instances of a cloud register anew, and remove them.", no_args_is_help=True)

InstanceId = Annotated[str, typer.Argument(metavar="INSTANCE", help="The instance's id, i-…")]
Profile = Annotated[str | None, typer.Option(metavar="NAME", help="AWS profile.  [default: AWS_PROFILE]")]


@app.command("allow-registration")
def allow_registration(instance_id: InstanceId, profile: Profile = None) -> None:
    """Let an instance that lost its key register once with another one, within a day.

    Remove the node first (`deregister`) if somebody else may have its key. Needs the right to
    fairlead:AllowInstanceReRegistration on the instance.
    """
    from fairlead.client.admin_api import open_admin_api
    from fairlead.client.instances import leave_line

    answer = open_admin_api(profile).call("AllowInstanceReRegistration", {"InstanceId": instance_id})
    print(leave_line(answer))


@app.command()
def deregister(instance_id: InstanceId, profile: Profile = None) -> None:
    """Remove the node of an instance: its sessions end, and its key and credentials are worth nothing.

    It does not come back without leave (`allow-registration`). Needs the right to
    fairlead:DeregisterInstance on the instance.
    """
    from fairlead.client.admin_api import open_admin_api
    from fairlead.client.instances import removed_line

    open_admin_api(profile).call("DeregisterInstance", {"InstanceId": instance_id})
    print(removed_line(instance_id))
