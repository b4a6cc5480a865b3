"""What touches the world: NGINX's hosts, metrics sources, the clock."""
