using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Runnel.Cli.Sockets;

/// <summary>From which of this machine's addresses a connection comes: one address has a port for some 28,000 connections to one server.</summary>
/// <remarks>On Linux, all of 127.0.0.0/8 is this machine, so that connections to the loopback can come from as many addresses as they need.</remarks>
internal sealed class SourceAddresses(int portsOfAnAddress)
{
    private const string RangeFile = "/proc/sys/net/ipv4/ip_local_port_range";
    private const int Spare = 1_000; // other programs need ports, too

    /// <summary>What this machine allows.</summary>
    public static SourceAddresses OfThisMachine() => new(File.Exists(RangeFile) ? PortsIn(File.ReadAllText(RangeFile)) : int.MaxValue);

    /// <summary>Connections that one address can have to one server.</summary>
    public int Ports { get; } = Math.Max(1, portsOfAnAddress - Spare);

    /// <summary>The address that a connection comes from.</summary>
    /// <param name="index">The connection's number, from 0.</param>
    /// <param name="destination">Where it leads.</param>
    /// <returns><see langword="null"/> where the system has to choose.</returns>
    public IPAddress? Of(int index, IPAddress destination)
    {
        var address = index / Ports;
        if (address == 0 || destination.AddressFamily != AddressFamily.InterNetwork || !IPAddress.IsLoopback(destination))
            return null;
        return new IPAddress([127, 0, (byte)(address / 250), (byte)((address % 250) + 1)]);
    }

    /// <summary>The number of ports in Linux' range, such as <c>32768 60999</c>.</summary>
    public static int PortsIn(string range)
    {
        var ends = range.Split((char[])[' ', '\t', '\n'], StringSplitOptions.RemoveEmptyEntries);
        return int.Parse(ends[1], CultureInfo.InvariantCulture) - int.Parse(ends[0], CultureInfo.InvariantCulture) + 1;
    }
}
