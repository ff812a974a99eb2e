# Reads tsung.log and prints what matters. A "sample" has: count, mean, deviation, longest and shortest of an interval and so far, then mean and count before the interval.
function sample(label, unit) {
  if (count[label] > 0)
    printf "%-22s %d, mean %.1f %s, longest %.1f %s\n", label ":", count[label], sum[label] / count[label], unit, longest[label], unit
}
function keep(label) {
  count[label] = $3 + $9
  sum[label] = $3 * $4 + $8 * $9
  longest[label] = $6
}
$1 != "stats:" { next }
$2 == "connected" { if ($4 > connected) connected = $4 }
$2 == "connect" { keep("connections") }
$2 == "tr_handshake" { keep("handshakes") }
$2 == "tr_post" { keep("POSTs") }
$2 == "websocket_succ" { opened = $4 }
$2 == "async_unknown_data_rcv" { heard = $4 }
$2 == "size_rcv" { bytes = $4 }
$2 ~ /^error/ || $2 == "websocket_fail" { errors[$2] = $4 }
$2 ~ /^[1-5][0-9][0-9]$/ { if ($2 >= 400) errors["status " $2] = $4; else statuses[$2] = $4 }
END {
  printf "%-22s %d\n", "connected at most:", connected
  printf "%-22s %d\n", "sockets opened:", opened
  sample("connections", "ms")
  sample("handshakes", "ms")
  sample("POSTs", "ms")
  for (status in statuses)
    printf "%-22s %d\n", "answers with " status ":", statuses[status]
  printf "%-22s %d, %d bytes\n", "received unasked:", heard, bytes
  none = 1
  for (name in errors)
    if (errors[name] > 0) {
      printf "%-22s %d × %s\n", "errors:", errors[name], name
      none = 0
    }
  if (none)
    printf "%-22s none\n", "errors:"
}
