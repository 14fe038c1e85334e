"""The server in-process, for tests: our own, and those of programs that use the session API.

    def test_lists_no_sessions(fairlead_server):
        ssm = fairlead_server.boto3_client("ssm")
        assert ssm.describe_sessions(State="Active")["Sessions"] == []

`fairlead_server` is a fixture for one test, `fairlead_server_session` one for a whole run; pytest finds both
once `fairlead[server]` is installed. Without pytest: `fairlead.testing.server.FairleadServer`.
"""
