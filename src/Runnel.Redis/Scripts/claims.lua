local to_take, bytes_to_take = BATCH, MOST_BYTES

-- Takes claims out of a worker's hands, and hands each to 'settle', in their order in line: one batch in all.
-- Returns whether the worker has none left.
local function take_claims(worker, settle)
  local claims = CLAIMS .. worker
  local held = {}
  for _, field in ipairs(call('HRANDFIELD', claims, to_take)) do
    if bytes_to_take < 0 then break end
    local claim = call('HGET', claims, field)
    call('HDEL', claims, field)
    local id, order, entry = read_claim(claim)
    held[#held + 1] = {id = id, order = order, entry = entry}
    bytes_to_take = bytes_to_take - #claim
  end
  to_take = to_take - #held
  table.sort(held, function(a, b) return tonumber(a.order) < tonumber(b.order) end)
  for _, claim in ipairs(held) do settle(claim.id, claim.order, claim.entry) end
  return call('EXISTS', claims) == 0
end
