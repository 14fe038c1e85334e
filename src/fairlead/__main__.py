"""`python -m fairlead` and the `fairlead` console script.

`fairlead proxy` is looked at before the command-line library is imported: ssh starts it for every
connection, and those imports would cost it more than its own work.
"""

import gc
import sys


def main() -> int:
    """Run the command in `sys.argv`; return its exit status."""
    if sys.argv[1:2] == ["proxy"]:
        gc.disable()  # of what is loaded nothing is garbage, and looking for it takes 3 ms
        from fairlead.client.proxy import main as proxy_main

        return proxy_main(sys.argv[2:])
    from fairlead.cli.app import main as cli_main

    return cli_main()


if __name__ == "__main__":
    sys.exit(main())
