-- Before publish.lua, where the server that is connected to could not be noted yet: notes which one it is, and in which of its lives. If that is refused, the
-- message is, too.
redis.call('SET', KEYS[4], redis.call('INFO', 'replication'):match('master_replid:(%x+)'))
