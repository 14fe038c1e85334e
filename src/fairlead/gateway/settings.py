"""The gateway's named limits and times: one frozen value per process, read by `server`."""

from dataclasses import dataclass

from fairlead.protocol.message import MAX_FRAME_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySettings:
    """Every limit of the gateway. Sizes in bytes, times in seconds."""

    max_unauthenticated_sockets: int = 4096
    """Accepted sockets, in total, that have not proved who they are. At the limit one that was sent nothing
    yet is closed for a new one: who connects gets a turn, and silence never holds a place."""
    max_unauthenticated_sockets_per_source: int = 2048
    """The same for one source address, so that one address does not push out the others' sockets. A site of
    thousands of nodes behind one address comes back at once, and who is cut before it got through only tries
    again: what the server takes in a second, times the seconds that a slow peer needs, must fit."""
    spared_for_s: float = 5.0
    """For how long a socket on which TLS has been spent is not closed for a new one at these limits. The new
    one is closed instead, before it costs anything."""
    max_accepts_together: int = 16
    """Sockets that are accepted in one turn of the event loop: with TLS each costs about half a millisecond,
    during which no session is served."""
    request_timeout_s: float = 10.0
    """From the accept of a socket, or the first byte of a later request, to the end of the header."""
    idle_connection_s: float = 75.0
    """How long an HTTP connection may idle between two requests, should the HTTP server not close it before.
    Meanwhile its socket counts as unrecognised."""
    body_timeout_s: float = 30.0
    """From the end of a request's header to the end of its body."""
    max_header_bytes: int = 16 * 1024
    """Request line and headers of one HTTP request."""

    open_timeout_s: float = 10.0
    """From the upgrade to the open frame."""
    max_open_frame_bytes: int = 8 * 1024
    """The open frame, the first text frame of every channel."""
    max_opening_bytes: int = 16 * 1024
    """All that a socket may send up to and with its open frame, pings included."""
    max_early_bytes: int = 1024 * 1024
    """What may be read behind an open frame that is not judged yet. Reading has paused by then; a side that
    returns and replays its window has more under way than one read takes."""

    max_frame_bytes: int = MAX_FRAME_BYTES
    """One message on a data channel, whole or in fragments."""
    max_control_message_bytes: int = 256 * 1024
    """One message on a control channel. The stock agent sends at most 142,000 bytes."""
    max_request_body_bytes: int = 4 * 1024
    """Body of a CreateControlChannel or CreateDataChannel call; the stock agent's has about 100 bytes."""
    read_buffer_bytes: int = 4 * 1024
    """First size of a socket's read buffer, which grows on demand. It is resident memory per socket."""
    control_read_buffer_bytes: int = 1024
    """The same for a control channel, of which there are many and on which little comes."""
    max_read_bytes: int = 512 * 1024
    """One read from the socket of a data channel. With the largest message it bounds the read buffer. Each
    turn wakes the sender and the receiver, so a fast side costs the less the more is read in one."""
    max_short_read_bytes: int = 128 * 1024
    """The same for a control channel; and with TLS, where what is larger leaves the processor's cache."""
    write_high_water_bytes: int = 256 * 1024
    """Unsent bytes of a socket at which its peer is no longer read."""
    write_low_water_bytes: int = 64 * 1024
    """Unsent bytes of a socket at which its peer is read again."""
    max_held_bytes: int = 128 * 1024
    """Frames kept for a peer that is not there. At the limit the sending side is no longer read; what had
    been read already is still kept."""
    max_assist_bytes: int = 8 * 1024 * 1024
    """In a session with one of AWS's own programs: copies of stream messages of one side that the other has
    not acknowledged, twice the window of our own ends. At the limit the side is no longer read. When both
    sides are at the limit both are read, or no acknowledgement would ever come: what they send then is passed
    on without a copy."""
    max_assist_total_bytes: int = 256 * 1024 * 1024
    """Such copies in all sessions together. At the limit messages are passed on without a copy, and a side
    whose peer is away is no longer read at `max_held_bytes`."""
    max_acknowledged_ranges: int = 1024
    """Ranges of acknowledged numbers that are remembered for one direction of such a session. There is one,
    unless numbers are missing. The lowest is forgotten first."""
    max_recent_acknowledgements: int = 1024
    """Acknowledgements that a side of such a session gets once more when it comes back. A header of 120 bytes
    is kept for each."""
    cork_below_bytes: int = 16 * 1024
    """With TLS, frames smaller than this that arrive together are written together: a record holds it."""
    max_corked_bytes: int = 240 * 1024
    """The most that is written together. Without TLS all frames of up to half of it are. The C library would
    take a block of more than 256 KiB from the system anew each time."""
    gather_after_messages: int = 16
    """Full messages, of 1 KiB, that one of AWS's own programs sends in a row until it counts as sending in
    bulk, and its session is read in batches."""
    gather_first_s: float = 0.008
    """The wait before the first batch. Such a program sends 0.7 to 0.9 messages in a millisecond."""
    gather_longest_s: float = 0.04
    """The longest wait, reached step by step. A message waits once, its acknowledgement a second time."""
    max_data_channels_per_node: int = 2000
    """Open data channels of one node. The next one is closed with "try again later"."""

    paused_pong_interval_s: float = 20.0
    """How often a side that is not read gets an unsolicited pong: its pings go unanswered meanwhile, and the
    stock agent leaves after 60 s without a pong."""
    silence_check_s: float = 60.0
    """A peer that always reads (a node, our own client) is pinged when it sent nothing for so long, and its
    socket closed after as long again without a frame."""
    tcp_keepalive_s: int = 30
    """Interval of TCP keep-alive probes. After four without an answer the connection is gone."""
    close_timeout_s: float = 5.0
    """How long a socket that is being closed may take to say goodbye and to read what was sent to it."""

    nodes_goodbye_s: float = 1.0
    """How long a stopping server waits for the nodes to leave before it closes the sockets of clients."""

    connect_timeout_s: float = 60.0
    """From the start of a session until both sides are there; then it failed."""
    reconnecting_grace_s: float = 60.0
    """How long after a start a node that was connected before counts as reconnecting: sessions to it are
    started and wait. The stock agent takes up to 15 s to come back, and more when a try of it failed."""
    reconnecting_grace_per_node_s: float = 0.006
    """What every node that was connected adds to that: more than to the time over which they are told to come
    (`return_cost_s`)."""
    holder_return_s: float = 10.0
    """After a start: how long the process of an agent that held a session may take to bring it back, once
    another process has the node's control channel. The agent tries again after 2 s at most."""
    return_cost_s: float = 0.004
    """What the return of one agent takes of a server's time, two signed requests over TLS, and room for what
    else there is to do meanwhile."""
    max_return_spread_s: float = 120.0
    """The longest time over which a fleet is asked to spread its return. A larger one than fits comes faster
    than the server can take, and waits."""
    paces_together_s: float = 0.1
    """Between two groups of agents that are told of another pace."""
    max_paces_together: int = 50
    """Agents in such a group: each takes some 30 µs of the event loop."""
    presences_together_s: float = 1.0
    """For how long openings and ends of control channels are gathered that follow another, to be recorded in
    one transaction."""
    max_presences_together: int = 500
    """Openings and ends that one transaction records; whoever waits for the database waits for it."""
    resume_window_s: float = 300.0
    """How long one of our own ends may stay away before its session ends."""
    stock_resume_window_s: float = 15.0
    """The same for AWS's own agent, which gives up after about 6 s."""
    stock_client_resume_window_s: float = 6.0
    """The same for AWS's own client. It comes back at once, or within the 3 to 6 s of its further attempts;
    and it leaves in no other way than by vanishing."""
    silent_agent_grace_s: float = 3.0
    """The same for a stock agent that left this soon after it joined, before anything came from the port: the
    process of its session dies when the port refuses, and says so only a minute later."""
    idle_timeout_s: float = 1200.0
    """Time without stream data in either direction after which a session ends, where neither its document nor
    the account's preferences say another."""
    completion_grace_s: float = 0.5
    """How long an agent's last message on its control channel is waited for after it closed a data channel in
    good order: the message says how the session ended."""

    last_output_s: float = 30.0
    """How long the end of a session that a stock agent has reported waits for a slow client to acknowledge
    the last output."""

    offer_delays_s: tuple[float, ...] = (2.0, 4.0, 8.0, 15.0)
    """Waits between offers of one session to its node; the last one repeats."""
    closed_repeat_s: float = 1.0
    """How often the agent is told again that a session is over. The stock agent ignores it until its
    handshake is complete."""
    closed_repeat_for_s: float = 20.0
    """For how long it is told; the stock agent's handshake times out after 17 s."""
    closed_memory_s: float = 600.0
    """For how long a node whose control channel opens is told of sessions that ended while it was away."""
    max_closed_memory: int = 10_000
    """Sessions in that memory; the oldest are forgotten first."""

    max_recent_ends: int = 10_000
    """Sessions that are known to be over without a look into the store: for those that end while their client
    opens."""

    record_again_s: float = 10.0
    """How long after a failure the end of a session is recorded again, until it is."""

    max_client_text: int = 500
    """Characters of a text from a node that are shown to a client or kept with a session."""
    security_events_per_s: float = 5.0
    """Refusals that are written to the audit trail, in total; of the rest many are logged."""
    security_events_burst: int = 100
    """Refusals that may be written at once."""
