-- A worker leaves: what it holds is there for others, as if it had never been taken.
-- KEYS: the channel's
-- ARGV: now, worker
go_on_when_full()
local claims = CLAIMS .. ARGV[2]
local all = call('HGETALL', claims)
for i = 2, #all, 2 do
  local id, order, entry = read_claim(all[i])
  give_back(id, order, entry:sub(1, 13) .. struct.pack('<i8', 0) .. entry:sub(22))
end
call('DEL', claims)
call('ZREM', WORKERS, ARGV[2])
if woken then ring() end
return expired
