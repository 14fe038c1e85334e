"""The pairs of ends that are tested and measured."""

from typing import NamedTuple

STOCK_PLUGIN, OUR_PLUGIN, OUR_PROXY = "stock-plugin", "our-plugin", "our-proxy"
STOCK_AGENT, OUR_AGENT = "stock-agent", "our-agent"
_NAMES = {
    STOCK_PLUGIN: "stock plugin",
    OUR_PLUGIN: "our plugin",
    OUR_PROXY: "our proxy",
    STOCK_AGENT: "stock agent",
    OUR_AGENT: "our agent",
}


class Corner(NamedTuple):
    """A client and an agent."""

    client: str
    agent: str

    @property
    def name(self) -> str:
        """What a reader calls it."""
        return f"{_NAMES[self.client]} / {_NAMES[self.agent]}"


BOTH_STOCK = Corner(STOCK_PLUGIN, STOCK_AGENT)
"""What the others are measured against."""
CORNERS = (
    BOTH_STOCK,
    Corner(STOCK_PLUGIN, OUR_AGENT),
    Corner(OUR_PLUGIN, STOCK_AGENT),
    Corner(OUR_PROXY, STOCK_AGENT),
    Corner(OUR_PLUGIN, OUR_AGENT),
    Corner(OUR_PROXY, OUR_AGENT),
)
