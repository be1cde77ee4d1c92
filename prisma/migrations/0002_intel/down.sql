-- Undoes 0002_intel.
DROP FUNCTION search_cases, search_sources, search_identifiers, search_platform_users, search_keywords,
  filter_content_ids, search_content, search_content_ids, argus_content_queries;
DROP TABLE case_platform_users, case_detections, case_identifiers, case_contents, cases, osint_identifier_links,
  osint_results, content_identifiers, identifiers, detections, dictionaries, keywords, content_sightings, content,
  platform_users, sources;
DROP FUNCTION argus_content_vector, argus_text_config;
