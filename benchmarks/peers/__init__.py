"""The programs that the benchmarks compare, each in its own process, started as `benchmarks.peers.NAME`.

training  epochs, shapes ──► peer ──► protocol ◄── engine | keras_fit | torch_loop | flax_loop   epochs in turn, by "go"
          processes ──────► command ─► trainer.task | keras_script | first_step                  whole processes
ranks     rank_steps ──────► peer ──► protocol ◄── engine | keras_fit, of a network's keras_copy
storage   gcs_log | gcs_checkpoint | gcs_files ──► gcs_process ──► gcs_service                   with a simulated bucket
"""
