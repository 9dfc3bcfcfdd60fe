"""A take made into a film, pictures or an array: cut into pieces, which are made here or elsewhere, and put together.

`pieces` cuts a render into parts that can be made anywhere and in any order; `local` makes them in processes of this
machine, `cluster` on a Ray cluster; `soundtrack` is what is heard.
"""
