"""Released kits: SHA-256 of the manifest, which holds the digests of all files and cases and every tolerance."""

RELEASED = {
    "1.0": "826101cb38d0f9d0518d6f3b0a86406541ce13736c9b8d4858cc015fd43c3b24",
    "1.1": "f14cf22ef9648feb25e95caa8cef743966bb3878a20cce39ac49abe5bb0a8d0b",
    "2.0": "c31767962e30d462023a954ce611371dc1837fcc79f1c88271db0f7726bea981",
    "2.1": "ff6c40853302219e47fc6f38f487c5f19586c322ab19aac38557f5aa9225cab3",
    "2.2": "7eecfc659d70dd7c356a54b3a91b34cd673a410333206aef75a3d4fbed3551b1",
}
