"""Every source file has its tests where one looks for them, or a line here that says where they are."""

from pathlib import Path

import pytest

from tests.support.named_tests import TESTS

SOURCES = TESTS.parent / "src" / "fairlead"

NEEDS_SOCKETS = {
    "agent/connector.py": "integration/agent/test_connector.py",
    "agent/server_connection.py": "integration/agent/test_connector.py",
    "agent/control_channel.py": "integration/agent/test_connections.py",
    "agent/data_link.py": "integration/agent/test_connections.py",
    "agent/dialing.py": "integration/agent/test_sessions.py",
    "agent/doctor.py": "integration/agent/test_doctor.py",
    "agent/heartbeat.py": "integration/agent/test_connections.py",
    "agent/instance_metadata.py": "integration/agent/test_instance_metadata.py",
    "agent/instance_registration.py": "integration/agent/test_instance_registration.py",
    "agent/port_session.py": "integration/agent/test_sessions.py",
    "agent/process.py": "integration/agent/test_process.py",
    "agent/restarting.py": "integration/agent/test_restart.py",
    "client/caller_identity.py": "integration/test_doctor_client.py",
    "client/doctor.py": "integration/test_doctor_client.py",
    "client/session_probe.py": "integration/test_doctor_client.py",
    "gateway/gateway.py": "integration/test_gateway_sessions.py",
    "gateway/http_edge.py": "integration/test_gateway_rest.py",
    "gateway/live_sessions.py": "integration/test_gateway_sessions.py",
    "gateway/openings.py": "integration/test_gateway_openings.py",
    "gateway/resets.py": "integration/test_gateway_resets.py",
    "gateway/rest.py": "integration/test_gateway_rest.py",
    "gateway/upgrade.py": "integration/test_gateway_openings.py",
    "server/doctor.py": "integration/test_doctor_server.py",
    "server/serving.py": "integration/test_server_command.py",
    "testing/agent.py": "integration/test_api_sessions.py",
    "testing/calls.py": "integration/test_testing_fixture.py",
    "testing/pytest_plugin.py": "integration/test_testing_fixture.py",
    "testing/server.py": "integration/test_testing_fixture.py",
    "transport/network_path.py": "integration/test_doctor_network.py",
}
"""Code around sockets and processes: a test of it alone would test its stand-ins."""

NEEDS_A_DATABASE = {
    "store/activations.py": "integration/store/test_activations.py",
    "store/audit.py": "integration/store/test_audit.py",
    "store/documents.py": "integration/store/test_documents.py",
    "store/engine.py": "integration/store/test_migration.py",
    "store/grants.py": "integration/store/test_grants.py",
    "store/groups.py": "integration/store/test_groups.py",
    "store/identities.py": "integration/store/test_identities.py",
    "store/instance_registrations.py": "integration/store/test_instance_registrations.py",
    "store/managed_policies.py": "integration/store/test_managed_policies.py",
    "store/mfa.py": "integration/store/test_mfa.py",
    "store/migration.py": "integration/store/test_migration.py",
    "store/migrations/env.py": "integration/store/test_migration.py",
    "store/migrations/versions/0001_first_schema.py": "integration/store/test_migration.py",
    "store/migrations/versions/0002_reattachment.py": "integration/store/test_migration.py",
    "store/migrations/versions/0003_connected_nodes.py": "integration/store/test_migration.py",
    "store/migrations/versions/0004_groups_and_managed_policies.py": "integration/store/test_migration.py",
    "store/migrations/versions/0005_owners_temporary_credentials.py": "integration/store/test_migration.py",
    "store/migrations/versions/0006_mfa_devices_and_locked_users.py": "integration/store/test_migration.py",
    "store/migrations/versions/0007_tags_of_nodes.py": "integration/store/test_migration.py",
    "store/migrations/versions/0008_fleet.py": "integration/store/test_migration.py",
    "store/migrations/versions/0011_audit_log.py": "integration/store/test_migration.py",
    "store/migrations/versions/0012_indexes_of_listings.py": "integration/store/test_migration.py",
    "store/migrations/versions/0013_agent_incarnations.py": "integration/store/test_migration.py",
    "store/migrations/versions/0010_instance_registrations.py": "integration/store/test_migration.py",
    "store/migrations/versions/0009_documents.py": "integration/store/test_migration.py",
    "store/named_rows.py": "integration/store/test_groups.py",
    "store/nodes.py": "integration/store/test_nodes.py",
    "store/service_settings.py": "integration/store/test_service_settings.py",
    "store/sessions.py": "integration/store/test_sessions.py",
    "store/shared_reads.py": "integration/store/test_shared_reads.py",
    "store/shared_writes.py": "integration/store/test_shared_writes.py",
    "store/store.py": "integration/store/test_use_cases.py",
    "store/tables.py": "integration/store/test_migration.py",
}
"""SQL is tested on SQLite and PostgreSQL."""

TESTED_TOGETHER = {
    "client/session_subject.py": "unit/client/test_ssh_proxy.py",
    "gateway/assisted_legs.py": "unit/gateway/test_relay.py",
    "__main__.py": "unit/client/test_slim_imports.py",
    "agent/__main__.py": "unit/cli/test_agent.py",
    "server/__main__.py": "integration/test_server_command.py",
    "agent/errors.py": "unit/agent/test_service_client.py",
    "agent/outcome.py": "unit/agent/test_sessions.py",
    "api/activations.py": "unit/api/test_handlers.py",
    "api/attachments.py": "unit/api/test_handlers.py",
    "api/audit_log.py": "unit/api/test_handlers.py",
    "api/boundaries.py": "unit/api/test_handlers.py",
    "api/callers.py": "unit/api/test_handlers.py",
    "api/cloudtrail.py": "unit/api/test_handlers.py",
    "api/documents.py": "unit/api/test_handlers.py",
    "api/exchange.py": "unit/api/test_app.py",
    "api/explanations.py": "unit/api/test_handlers.py",
    "api/identity_changes.py": "integration/test_policies_as_files.py",
    "api/fleet.py": "unit/api/test_handlers.py",
    "api/groups.py": "unit/api/test_handlers.py",
    "api/identities.py": "unit/api/test_handlers.py",
    "api/identity_tags.py": "unit/api/test_handlers.py",
    "api/limits.py": "unit/api/test_reading.py",
    "api/instance_identity.py": "unit/api/test_handlers.py",
    "api/managed_policies.py": "unit/api/test_handlers.py",
    "api/mfa.py": "unit/api/test_handlers.py",
    "api/nodes.py": "unit/api/test_handlers.py",
    "api/resource_tags.py": "unit/api/test_handlers.py",
    "api/security_tokens.py": "unit/api/test_handlers.py",
    "api/server_drain.py": "unit/api/test_handlers.py",
    "api/service_settings.py": "unit/api/test_handlers.py",
    "api/sessions.py": "unit/api/test_handlers.py",
    "api/simulation.py": "unit/api/test_handlers.py",
    "control/asked_context.py": "unit/control/test_simulation.py",
    "api/user_locks.py": "unit/api/test_handlers.py",
    "control/identity_pages.py": "unit/control/test_groups.py",
    "control/document_views.py": "unit/control/test_documents.py",
    "control/policy_identifiers.py": "unit/control/test_simulation.py",
    "control/principal_lookup.py": "unit/control/test_explanations.py",
    "control/access_changes.py": "unit/control/test_identity_changes.py",
    "control/identity_export.py": "unit/control/test_identity_changes.py",
    "domain/operations/activations.py": "unit/domain/test_operations_match_service_model.py",
    "domain/operations/audit_log.py": "unit/control/test_audit_proofs.py",
    "domain/operations/boundaries.py": "unit/domain/test_operations_match_service_model.py",
    "domain/operations/callers.py": "unit/domain/test_operations_match_service_model.py",
    "domain/operations/catalogue.py": "unit/domain/test_operations_match_service_model.py",
    "domain/operations/cloudtrail.py": "unit/domain/test_operations_match_service_model.py",
    "domain/operations/documents.py": "unit/domain/test_operations_match_service_model.py",
    "domain/operations/explanations.py": "unit/control/test_explanations.py",
    "domain/operations/fleet.py": "unit/control/test_fleet.py",
    "domain/operations/groups.py": "unit/domain/test_operations_match_service_model.py",
    "domain/operations/identities.py": "unit/domain/test_operations_match_service_model.py",
    "domain/operations/identity_changes.py": "unit/control/test_identity_changes.py",
    "domain/operations/identity_tags.py": "unit/domain/test_operations_match_service_model.py",
    "domain/operations/inline_policies.py": "unit/domain/test_operations_match_service_model.py",
    "domain/operations/managed_policies.py": "unit/domain/test_operations_match_service_model.py",
    "domain/operations/mfa.py": "unit/domain/test_operations_match_service_model.py",
    "domain/operations/instance_identity.py": "unit/control/test_instance_identity.py",
    "domain/operations/node_properties.py": "unit/domain/test_operations_match_service_model.py",
    "domain/operations/resource_tags.py": "unit/domain/test_operations_match_service_model.py",
    "domain/operations/security_tokens.py": "unit/domain/test_operations_match_service_model.py",
    "domain/operations/server_drain.py": "unit/control/test_server_drain.py",
    "domain/operations/service_settings.py": "unit/domain/test_operations_match_service_model.py",
    "domain/operations/sessions.py": "unit/domain/test_operations_match_service_model.py",
    "domain/operations/simulation.py": "unit/domain/test_operations_match_service_model.py",
    "domain/operations/user_locks.py": "unit/control/test_user_locks.py",
    "gateway/relay_sides.py": "unit/gateway/test_relay.py",
    "gateway/security_events.py": "unit/gateway/test_work.py",
    "gateway/socket_handlers.py": "unit/gateway/test_sockets.py",
    "protocol/events.py": "unit/protocol/test_values.py",
    "protocol/incoming.py": "unit/protocol/test_data_channel.py",
    "protocol/json_fields.py": "unit/protocol/test_handshake.py",
    "protocol/receiving.py": "unit/protocol/test_data_channel.py",
    "protocol/roles.py": "unit/protocol/test_data_channel.py",
    "protocol/sending.py": "unit/protocol/test_data_channel.py",
    "protocol/snapshot.py": "unit/protocol/test_data_channel.py",
    "transport/endpoint_contract.py": "unit/transport/test_asyncio_endpoint.py",
}
"""Parts of one thing, tables of it, or values that it carries: tested through what uses them."""

NOTHING_TO_TEST = {
    "_version.py": "one number",
    "domain/scope.py": "a pair of names",
    "gateway/close_codes.py": "names for numbers of RFC 6455",
    "gateway/settings.py": "numbers with names; each is tested where it limits something",
    "protocol/errors.py": "classes without behaviour",
    "server/errors.py": "classes without behaviour",
}

ELSEWHERE = {**NEEDS_SOCKETS, **NEEDS_A_DATABASE, **TESTED_TOGETHER}


def _modules() -> list[str]:
    paths = (path.relative_to(SOURCES) for path in SOURCES.rglob("*.py"))
    return sorted(str(path) for path in paths if path.name != "__init__.py")


def _mirror_of(module: str) -> Path:
    path = TESTS / "unit" / module
    return path.with_name(f"test_{path.name}")


@pytest.mark.parametrize("module", _modules())
def test_a_module_has_its_test_file_or_a_line_that_says_where_it_is_tested(module: str) -> None:
    mirror = _mirror_of(module)
    is_listed = module in ELSEWHERE or module in NOTHING_TO_TEST
    if mirror.is_file():
        assert not is_listed, f"{mirror.name} exists: the line about {module} in this file has to go"
    else:
        assert is_listed, f"{mirror} is missing"


@pytest.mark.parametrize("module", sorted(ELSEWHERE))
def test_what_is_tested_elsewhere_and_its_tests_exist(module: str) -> None:
    assert (SOURCES / module).is_file()
    assert (TESTS / ELSEWHERE[module]).is_file()


@pytest.mark.parametrize("module", sorted(NOTHING_TO_TEST))
def test_what_needs_no_test_exists(module: str) -> None:
    assert (SOURCES / module).is_file()


def test_a_test_file_of_a_package_is_named_after_a_module_or_after_what_it_is_about() -> None:
    packages = {path.name for path in SOURCES.iterdir() if path.is_dir()}
    files = {path for name in packages for path in (TESTS / "unit" / name).rglob("test_*.py")}
    mirrors = {_mirror_of(module) for module in _modules()}
    about = {str(path.relative_to(TESTS / "unit")) for path in files - mirrors}
    assert about <= {
        "api/test_malformed_policies.py",
        "api/test_recorded_requests.py",
        "client/test_programs.py",
        "client/test_slim_imports.py",
        "domain/test_operations_match_service_model.py",
        "policy/test_documented_cases.py",
        "protocol/test_recorded_bytes.py",
        "protocol/test_recorded_frames.py",
    }
