"""What `benchmarks.training` runs beside each other: one process for each peer, started as `benchmarks.peers.NAME`.

epochs, shapes ──► peer ──► protocol ◄── engine | keras_fit | torch_loop | flax_loop     epochs in turn, by "go"
processes ──────► command ─► trainer.task | keras_script | first_step                    whole processes
"""
