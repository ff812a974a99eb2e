-- A worker that is connected to another server than before says what it holds. The server may lack what the worker settled last: what it takes for the worker's, and the
-- worker does not, others get, marked like what a dead worker held, since it may have been handled. Without that it would be nobody's for as long as the worker lives.
-- KEYS: the channel's
-- ARGV: now, worker, 0 or where the script before this one ended, the last step whose claims have come to the worker, then the claims that it holds
-- Returns {how many are given back, 0 or where it ended}.
local claims, last = CLAIMS .. ARGV[2], tonumber(ARGV[4])
local held, found = {}, {}
for i = 5, #ARGV do held[ARGV[i]] = true end

local page = call('HSCAN', claims, ARGV[3], 'COUNT', BATCH)
for i = 1, #page[2], 2 do
  local field = page[2][i]
  if not held[field] and tonumber(field:match('^%d+')) <= last then
    local id, order, entry = read_claim(page[2][i + 1])
    call('HDEL', claims, field)
    found[#found + 1] = {id = id, order = order, entry = entry}
  end
end
for _, claim in ipairs(found) do
  local attempts, crashes = struct.unpack('<HH', claim.entry, 2)
  give_back(claim.id, claim.order, with_times(with_counters(claim.entry, attempts, math.min(crashes + 1, 65535)), 0, 0))
end
if woken then ring() end
return {#found, page[1]}
