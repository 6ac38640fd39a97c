-- A list of conversations is a window over them in the order of their last activity.
CREATE INDEX conversation_activity ON conversation (activity, id);
