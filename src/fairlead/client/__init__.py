"""ProxyCommand and plugin entry points, credentials, ssh-config writer."""
