/** How every PostgreSQL of the bench is set, whoever stores in it: room for what it works on in memory, a long write-ahead log. */
export const benchSettings = { shared_buffers: "512MB", max_wal_size: "4GB", wal_compression: "off" };
