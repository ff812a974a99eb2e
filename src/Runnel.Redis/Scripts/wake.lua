-- Ends a node's wait on its bells. In one, so that nothing stays when the node dies in between.
-- KEYS: the node's
redis.call('LPUSH', KEYS[1], '1')
redis.call('PEXPIRE', KEYS[1], 10000)
return 1
