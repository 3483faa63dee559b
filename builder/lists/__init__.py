"""What people make of lists: views of their own."""

from builder.lists.saved_views import SavedView, remove_view, save_view, saved_view, saved_views

__all__ = ["SavedView", "remove_view", "save_view", "saved_view", "saved_views"]
