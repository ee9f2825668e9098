"""What a list is: its keywords, its subscribers' options, its roles and its addresses.

Pure: values in, values out. The store keeps these values, the deciding rooms ask them.
"""
