"""The canary's version becomes the stable one, without a lost request, by whoever runs it last."""
