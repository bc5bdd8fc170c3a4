/** The tables, as Kysely sees them. Columns are texts and whole numbers, which both databases have alike. */
export interface Schema {
  counter: { name: string; value: number };
  projects: {
    id: string;
    name: string;
    /** A JSON array of slugs. */
    regions: string;
    /** Hexadecimal; empty in a tombstone. */
    secret: string;
    created_ms: number;
    /** 1: a tombstone, kept so that gateways hear of the end. */
    deleted: number;
    revision: number;
  };
  api_keys: {
    id: string;
    project: string;
    name: string | null;
    hash: string;
    created_ms: number;
    /** 1: a tombstone. */
    revoked: number;
    revision: number;
  };
  revocations: { username: string; expires_ms: number; revision: number };
  gateways: {
    id: string;
    region: string;
    /** JSON of Endpoints. */
    endpoints: string;
    draining: number;
    heartbeat_ms: number;
  };
}
