using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Lateen.EmbeddedCluster.Dns;
using Lateen.Foundation.Snapshots;
using Xunit;

namespace Lateen.EmbeddedCluster.Tests.Dns;

/// <summary>What a client on the wire is told.</summary>
public sealed class DnsServerTests : IAsyncDisposable
{
    private readonly Published<DnsZoneSnapshot> _zone = new(DnsZoneSnapshot.Compile("cluster.local",
    [
        new("default", "reviews", [IPAddress.Parse("10.96.3.4")], null, [new("http", "tcp", 9080)], []),
        new("default", "outside", [], "www.example.test.", [], []),
        new("default", "alias", [], "reviews.default.svc.cluster.local", [], []),
        new("data", "db", [], null, [new("sql", "tcp", 5432)], [new(IPAddress.Parse("10.244.0.7"), "db-0"), new(IPAddress.Parse("10.244.0.8"), null)]),
        new("data", "many", [], null, [], [.. Enumerable.Range(1, 200).Select(i => new DnsEndpoint(new IPAddress([10, 244, 1, (byte)i]), null))]),
    ]));

    private readonly DnsServer _server;

    public DnsServerTests() => _server = new DnsServer(new IPEndPoint(IPAddress.Loopback, 0), _zone, new DnsUpstream([], null));

    [Theory]
    [InlineData("reviews.default.svc.cluster.local", 1, "10.96.3.4")]
    [InlineData("REVIEWS.Default.svc.cluster.LOCAL", 1, "10.96.3.4")]
    [InlineData("db-0.db.data.svc.cluster.local", 1, "10.244.0.7")]
    [InlineData("10-244-0-8.db.data.svc.cluster.local", 1, "10.244.0.8")]
    [InlineData("10-244-0-9.default.pod.cluster.local", 1, "10.244.0.9")]
    [InlineData("_http._tcp.reviews.default.svc.cluster.local", 33, "0 100 9080 reviews.default.svc.cluster.local")]
    [InlineData("4.3.96.10.in-addr.arpa", 12, "reviews.default.svc.cluster.local")]
    [InlineData("7.0.244.10.in-addr.arpa", 12, "db-0.db.data.svc.cluster.local")]
    [InlineData("outside.default.svc.cluster.local", 1, "www.example.test")]
    [InlineData("outside.default.svc.cluster.local", 5, "www.example.test")]
    [InlineData("dns-version.cluster.local", 16, "1.1.0")]
    public async Task AKnownNameIsAnswered(string name, int type, string expected)
    {
        var answer = await AskAsync(name, (DnsType)type);
        Assert.Equal(DnsResponseCode.NoError, answer.Code);
        Assert.Equal([expected], answer.Texts);
    }

    [Fact]
    public async Task AHeadlessServiceHasTheAddressesOfItsEndpoints()
    {
        Assert.Equal(["10.244.0.7", "10.244.0.8"], (await AskAsync("db.data.svc.cluster.local", DnsType.A)).Texts.Order());
        Assert.Equal(
            ["0 100 5432 10-244-0-8.db.data.svc.cluster.local", "0 100 5432 db-0.db.data.svc.cluster.local"],
            (await AskAsync("_sql._tcp.db.data.svc.cluster.local", DnsType.Srv)).Texts.Order());
    }

    [Fact]
    public async Task AnAliasWithinTheClusterComesWithItsTarget() =>
        Assert.Equal(["reviews.default.svc.cluster.local", "10.96.3.4"], (await AskAsync("alias.default.svc.cluster.local", DnsType.A)).Texts);

    [Theory]
    [InlineData("reviews.default.svc.cluster.local", 28, 0)] // there is such a name, with no IPv6 address
    [InlineData("default.svc.cluster.local", 1, 0)]
    [InlineData("cluster.local", 1, 0)]
    [InlineData("nothing.default.svc.cluster.local", 1, 3)]
    [InlineData("reviews.default.svc.cluster.local.default.svc.cluster.local", 1, 3)]
    [InlineData("www.example.test", 1, 3)] // no upstream: told at once
    public async Task ANameWithoutSuchARecordGetsAnEmptyAnswer(string name, int type, int code)
    {
        var answer = await AskAsync(name, (DnsType)type);
        Assert.Equal((DnsResponseCode)code, answer.Code);
        Assert.Empty(answer.Texts);
    }

    [Fact]
    public async Task ALongAnswerIsCutOnUdpAndWholeOnTcp()
    {
        var cut = await AskAsync("many.data.svc.cluster.local", DnsType.A);
        Assert.True(cut.IsCut);
        Assert.InRange(cut.Bytes, 400, 512);
        Assert.True((await AskAsync("many.data.svc.cluster.local", DnsType.A, maxUdpBytes: 1232)) is { IsCut: true, Bytes: > 1100 and <= 1232 });
        var whole = await AskAsync("many.data.svc.cluster.local", DnsType.A, overTcp: true);
        Assert.False(whole.IsCut);
        Assert.Equal(200, whole.Texts.Count);
    }

    [Fact]
    public async Task WhatIsNoQueryHarmsNothing()
    {
        using var client = new UdpClient();
        client.Connect(_server.Address);
        foreach (var length in Enumerable.Range(0, 40)) await client.SendAsync(Enumerable.Repeat((byte)length, length).ToArray(), TestContext.Current.CancellationToken);
        Assert.Single((await AskAsync("reviews.default.svc.cluster.local", DnsType.A)).Texts);
    }

    [Fact]
    public async Task AQuestionBeforeTheServicesAreKnownWaitsForThem()
    {
        var zone = new Published<DnsZoneSnapshot>(DnsZoneSnapshot.Unknown);
        await using var server = new DnsServer(new IPEndPoint(IPAddress.Loopback, 0), zone, new DnsUpstream([], null));
        var asking = AskAsync("reviews.default.svc.cluster.local", DnsType.A, server: server);
        zone.Publish(_zone.Current);
        Assert.Equal(["10.96.3.4"], (await asking).Texts);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task OtherNamesAreAskedUpstream(bool overTcp)
    {
        // The first server takes queries and says nothing; the second knows another domain.
        using var silent = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        silent.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        await using var other = new DnsServer(
            new IPEndPoint(IPAddress.Loopback, 0),
            new(DnsZoneSnapshot.Compile("example.test", [new("default", "www", [IPAddress.Parse("192.0.2.7")], null, [], [])])),
            new DnsUpstream([], null));
        await using var server = new DnsServer(new IPEndPoint(IPAddress.Loopback, 0), _zone, new DnsUpstream([(IPEndPoint)silent.LocalEndPoint!, other.Address], null));
        Assert.Equal(["192.0.2.7"], (await AskAsync("www.default.svc.example.test", DnsType.A, overTcp, server: server)).Texts);
        Assert.Equal(["10.96.3.4"], (await AskAsync("reviews.default.svc.cluster.local", DnsType.A, overTcp, server: server)).Texts);
    }

    [Fact]
    public void TheMachinesServersAreReadFromItsFile()
    {
        var file = Path.Combine(AppContext.BaseDirectory, "resolv.conf");
        File.WriteAllText(file, "# by hand\nnameserver 192.0.2.1\nnameserver\t2001:db8::1\nsearch a b\noptions ndots:5\n");
        Assert.Equal([IPEndPoint.Parse("192.0.2.1:53"), IPEndPoint.Parse("[2001:db8::1]:53")], DnsUpstream.ReadServers(file));
        Assert.Empty(DnsUpstream.ReadServers(file + ".missing"));
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task<Answer> AskAsync(string name, DnsType type, bool overTcp = false, int? maxUdpBytes = null, DnsServer? server = null)
    {
        var query = new List<byte> { 0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, (byte)(maxUdpBytes is null ? 0 : 1) };
        query.AddRange(DnsRecord.EncodeName(name));
        query.AddRange([(byte)((int)type >> 8), (byte)type, 0, 1]);
        if (maxUdpBytes is { } bytes) query.AddRange([0, 0, 41, (byte)(bytes >> 8), (byte)bytes, 0, 0, 0, 0, 0, 0]);
        var address = (server ?? _server).Address;
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        if (!overTcp)
        {
            using var client = new UdpClient();
            client.Connect(address);
            await client.SendAsync(query.ToArray(), deadline.Token);
            return Answer.Read((await client.ReceiveAsync(deadline.Token)).Buffer);
        }
        using var connection = new TcpClient();
        await connection.ConnectAsync(address, deadline.Token);
        var stream = connection.GetStream();
        await stream.WriteAsync(new[] { (byte)(query.Count >> 8), (byte)query.Count }.Concat(query).ToArray(), deadline.Token);
        var length = new byte[2];
        await stream.ReadExactlyAsync(length, deadline.Token);
        var message = new byte[BinaryPrimitives.ReadUInt16BigEndian(length)];
        await stream.ReadExactlyAsync(message, deadline.Token);
        return Answer.Read(message);
    }

    private sealed record Answer(DnsResponseCode Code, bool IsCut, int Bytes, IReadOnlyList<string> Texts)
    {
        public static Answer Read(byte[] message)
        {
            Assert.Equal(0x1234, BinaryPrimitives.ReadUInt16BigEndian(message));
            var flags = BinaryPrimitives.ReadUInt16BigEndian(message.AsSpan(2));
            Assert.NotEqual(0, flags & 0x8000);
            var count = BinaryPrimitives.ReadUInt16BigEndian(message.AsSpan(6));
            var position = 12;
            ReadName(message, ref position);
            position += 4;
            var texts = new List<string>();
            for (var i = 0; i < count; i++)
            {
                ReadName(message, ref position);
                var type = (DnsType)BinaryPrimitives.ReadUInt16BigEndian(message.AsSpan(position));
                var length = BinaryPrimitives.ReadUInt16BigEndian(message.AsSpan(position + 8));
                position += 10;
                texts.Add(ReadContent(message, type, position, length));
                position += length;
            }
            return new Answer((DnsResponseCode)(flags & 15), (flags & 0x0200) != 0, message.Length, texts);
        }

        private static string ReadContent(byte[] message, DnsType type, int position, int length)
        {
            var number = (int at) => BinaryPrimitives.ReadUInt16BigEndian(message.AsSpan(position + at));
            var after = position + 6;
            return type switch
            {
                DnsType.A => new IPAddress(message.AsSpan(position, length)).ToString(),
                DnsType.Srv => $"{number(0)} {number(2)} {number(4)} {ReadName(message, ref after)}",
                DnsType.Txt => System.Text.Encoding.ASCII.GetString(message, position + 1, length - 1),
                _ => ReadName(message, ref position),
            };
        }

        private static string ReadName(byte[] message, ref int position)
        {
            var labels = new List<string>();
            while (message[position] != 0)
            {
                if (message[position] >= 0xC0)
                {
                    var at = BinaryPrimitives.ReadUInt16BigEndian(message.AsSpan(position)) & 0x3FFF;
                    position += 2;
                    labels.Add(ReadName(message, ref at));
                    return string.Join('.', labels);
                }
                labels.Add(System.Text.Encoding.ASCII.GetString(message, position + 1, message[position]));
                position += message[position] + 1;
            }
            position++;
            return string.Join('.', labels);
        }
    }
}
