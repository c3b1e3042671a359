"""Images on disk: which files are images, how one is decoded and encoded, how many are streamed.

`listing` finds the images of a folder. `codec` reads and writes one image file, with the help of
`decoding`. `reader` reads the images of a folder or of a file of arrays piece by piece, and
`writer` writes what a function makes of them. Nothing here knows labels or splits.
"""
