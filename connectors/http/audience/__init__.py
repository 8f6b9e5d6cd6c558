"""The audience endpoints: bodies, their rules, commands to the audience stage, answers."""
