"""The commands. Each module registers its own with `register_command`; being here is enough."""
