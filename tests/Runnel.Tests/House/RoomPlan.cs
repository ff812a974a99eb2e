namespace Runnel.Tests.House;

/// <summary>Where the types go that have not moved into their room yet. Deleted with the last of them.</summary>
internal static class RoomPlan
{
    public static IReadOnlyDictionary<(string Package, string Type), string> Of { get; } = Read(
        """
        Runnel/Frames: CloseCode ConnectionMetrics DrainBatch Frame FrameKind FrameRing GroupMessage IFrameWriter JsonText OutboundOptions OutboundPolicy OutboundQueue RunnelJson StreamFrame
        Runnel/Nodes: Log RunnelOptions
        Runnel/Groups: Group GroupRegistry IGroups JoinResult JoinedGroups
        Runnel/Consumers: AcceptOptions Connection ConnectionGroups ConsumerBuilder ConsumerDescriptor ConsumerScope ConsumerSession ConsumerTurn EventHandlerMethod EventServices HandlesAttribute IChannels JsonWebSocketConsumer LambdaConsumer MessageTypeAttribute SendOptions SentMessage WebSocketConsumer
        Runnel/Streams: DemultiplexerBuilder DemultiplexerConsumer StreamConnection
        Runnel/.: ConfiguredLayer NodeInbox RunnelNode RunnelServiceCollectionExtensions UnusableLayer
        Runnel.Redis/Resp: RedisErrorException RespKind RespReader RespValue RespWriter
        Runnel.Redis/Connections: Backoff ConnectionEnd Log RedisAddress RedisClient RedisCommand RedisConnection RedisDialer RedisExplanation RedisOptions RedisOutage RedisSocket RedisUnavailableException
        Runnel.Redis/Stores: ChannelKeys RedisKeys RedisScript RedisStore RedisTelemetry Sealing
        Runnel.Redis/Topics: PublishedMessage RedisBackplane RedisSubscriber RedisSubscription RedisTopic
        Runnel.Redis/Sending: DeadLetters EnqueueLine EnqueueRequest EnqueueTrip Entry NewMessage RedisChannel
        Runnel.Redis/Receiving: LeasesEnded ReceiveRequest RedisBells RedisClaim RedisHeart RedisPulse RedisSweeper RedisWorkerLease Settlement WorkerChannel
        Runnel.Redis/.: RedisLayerFactory RedisWorkQueue RunnelRedisServiceCollectionExtensions
        Runnel.Sqlite/Files: Database Log Pause SqliteFailure SqliteNames SqliteOptions SqliteSchema SqliteStatements SqliteSynchronous Statement Ticks
        Runnel.Sqlite/Deliveries: Deliveries Publication
        Runnel.Sqlite/Tables: ChannelRow ChannelTable Claim DeadLetterTable DeduplicationTable EnvelopeBytes LaneTable MessageTable NewMessage NodeTable PublicationTable SqliteTelemetry StoreReader StoreTransaction StoredDeadLetter TopicTable
        Runnel.Sqlite/Neighbours: Bell Membership Neighbours NodeLock
        Runnel.Sqlite/Writing: EnqueueWork ReceiveWork SettleWork StoreWork StoreWriter Sweeper WaitingReceivers WaitingSenders WriterInbox
        Runnel.Sqlite/.: SqliteBackplane SqliteLayerFactory SqliteStore SqliteWorkQueue SqliteWorkerLease
        Runnel.Workers/Jobs: DeadLetterException IJobs JobArgumentException JobContext JobEnd JobExpiry JobLimits JobOutcome JobProgress JobState JobStatus JobStore Log RetryAfterException RetryPolicy StrictJson WorkerMetrics WorkerOptions
        Runnel.Workers/Channels: ChannelConsumer ChannelDefinition ChannelOptions ChannelRegistry Channels Jobs MessageHandler ConsumedChannels
        Runnel.Workers/Running: ChannelListener JobRunner JobSettler RunningJobs WorkerSelection WorkerService
        Runnel.Workers/Recurring: CronSchedule ISchedule IntervalSchedule RecurringMessage RecurringService RecurringTick
        Runnel.Workers/.: RunnelHostExtensions RunnelWorkersServiceCollectionExtensions
        Runnel.InMemory/Stored: InMemoryTelemetry KeyLane MessageList ReceiveWaiter RoomWaiter StoredDeadLetter StoredMessage StoredState TimeHeap
        Runnel.InMemory/Channels: ChannelClock InMemoryChannel
        Runnel.InMemory/Topics: InMemoryBackplane InMemoryTopic
        Runnel.InMemory/.: InMemoryLayerFactory InMemoryWorkQueue InMemoryWorkerLease
        Runnel.Layers/Messages: ChannelName Envelope EnvelopeFormat EnvelopeKind Glob GroupName Leb128 Message MessageId MessageTooLargeException NameGrammar RunnelTelemetry
        Runnel.Layers/Topics: BackplaneFeatures BackplaneMessage BackplaneState BackplaneUnavailableException IBackplane Position Retention Topic TopicHistory
        Runnel.Layers/Queues: AbandonOptions ChannelFullException ChannelStatus DeadLetter DeadLetterFilter DeadLetterReason EnqueueOptions IWorkQueue IWorkQueueOperator IWorkerLease LeaseLostException ReceivedMessage WorkQueueFeatures WorkerLeaseOptions
        Runnel.Layers/States: HistoryStateStore IStateStore Reservation StateValue
        Runnel.Layers/.: ILayerFactory Layer LayerAddress LayerComposition LayerOptions LayerSchemeAttribute LayerSchemes RunnelBuilder
        """);

    private static Dictionary<(string, string), string> Read(string plan) =>
        (from line in plan.Split('\n')
         let parts = line.Split(": ")
         let place = parts[0].Split('/')
         from type in parts[1].Split(' ')
         select (Key: (place[0], type.TrimEnd()), Room: place[1])).ToDictionary(entry => entry.Key, entry => entry.Room);
}
