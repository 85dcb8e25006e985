"""Train with TRL's GRPO; the reward is 1 for a program that passes its tests. Needs the extra `train`.

Run it with: python examples/reward_in_grpo.py MODEL FOLDER, where MODEL is a folder with weights or a hub id.
"""

import sys

import torch
from trl import GRPOConfig, GRPOTrainer

from datasets import Dataset
from glotsmith.reward import code_reward

TASKS = [
    {"prompt": "-- Adds 1.\n", "language": "lua", "tests": ["assert add(1) == 2", "assert add(-1) == 0"]},
    {"prompt": "# Adds 1.\n", "language": "python", "tests": ["assert add(1) == 2", "assert add(5) == 6"]},
]


def main(model: str, folder: str) -> None:
    """Make two updates and print the mean reward of each."""
    config = GRPOConfig(
        output_dir=folder,
        max_steps=2,
        num_generations=2,
        per_device_train_batch_size=2,
        max_completion_length=16,
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        use_cpu=not torch.cuda.is_available(),
        bf16=torch.cuda.is_available(),
    )
    trainer = GRPOTrainer(model, reward_funcs=[code_reward], train_dataset=Dataset.from_list(TASKS), args=config)
    trainer.train()
    print("rewards", [log["reward"] for log in trainer.state.log_history if "reward" in log])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
