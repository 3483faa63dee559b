"""The studio: where people who may build an app change it. Every change is a property edit of the app's draft."""
