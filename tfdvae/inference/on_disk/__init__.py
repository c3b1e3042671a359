"""Trained models on images on disk: folders, single images and files of arrays, piece by piece."""
