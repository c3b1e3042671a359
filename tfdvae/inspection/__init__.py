"""What tfdvae sees in a folder or file, and what each command would do with it.

`scan` goes through the images, `outcomes` asks the commands, and `report` puts both into words.
"""
