-- A position is good on the server that gave it, and in that server's life. One that comes back from its files, or was a replica, may lack the latest messages,
-- and would give their numbers to others. So a history goes on in a new epoch there.
-- Fields of a position: 'server' it is good on; 'chain', where the epochs before ended on this server, the latest last: 8 bytes epoch, 8 bytes last offset
-- each; 'life', for how long it is remembered without a message and without anybody who listens (ms); 'short', those of them whose end is known to be missing.
local EPOCHS = 8

-- All who do it come to the same epoch, so that a history can be read even while nothing can be written.
local function epoch_after(epoch, server)
  local hex, bytes = redis.sha1hex(epoch .. server), {}
  for i = 1, 8 do bytes[i] = tonumber(hex:sub(2 * i - 1, 2 * i), 16) end
  bytes[1], bytes[8] = bit.bor(bytes[1], 1), bit.band(bytes[8], 127)
  return string.char(unpack(bytes))
end

-- Returns epoch, latest offset, chain, short, server; nothing but the last when there is no history.
local function settle_epoch(position, server_key)
  local server = redis.call('GET', server_key) or ''
  local known = redis.call('HMGET', position, 'epoch', 'offset', 'server', 'chain', 'short')
  local epoch, offset, chain, short = known[1], tonumber(known[2] or '0'), known[4] or '', known[5] or ''
  if epoch and not known[3] then
    -- A node of an older version of Runnel wrote it, and may still run: in a new epoch, it would hand the whole history on again.
    if server ~= '' then redis.pcall('HSET', position, 'server', server) end
  elseif epoch and known[3] ~= server then
    chain = (chain .. epoch .. struct.pack('<i8', offset)):sub(-16 * EPOCHS)
    epoch = epoch_after(epoch, server)
    redis.pcall('HSET', position, 'epoch', epoch, 'server', server, 'chain', chain)
  end
  return epoch, offset, chain, short, server
end

-- Where an epoch before ended; nil when it is not known.
local function end_of(chain, epoch)
  for i = 1, #chain, 16 do
    if chain:sub(i, i + 7) == epoch then return (struct.unpack('<i8', chain, i + 8)) end
  end
end

local function is_short(short, epoch)
  for i = 1, #short, 8 do
    if short:sub(i, i + 7) == epoch then return true end
  end
  return false
end
