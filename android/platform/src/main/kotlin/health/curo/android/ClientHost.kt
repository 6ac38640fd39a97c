package health.curo.android

import health.curo.Client

/**
 * What an app's `Application` implements, so that work without a person in front ([CuroJobService]) finds its client.
 */
public fun interface ClientHost {
    /**
     * The client of this process: opens it if it is not open yet, and keeps it, since a store can be open once. Null where
     * there is none to open, for instance before the first sign-in. May be called on any thread, several times at once.
     */
    public suspend fun client(): Client?
}
