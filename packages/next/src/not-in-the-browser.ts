// What a bundler finds for the browser instead of `@damson/next`: a page that was given it by mistake says so at once. That
// the keys beside it never get into a page is for `import 'server-only'` to ensure, in the file that holds them.
throw new Error(
  '@damson/next holds your keys and runs on the server only. ' +
    'In a client component import @damson/next/client, or call a Server Action.',
)
