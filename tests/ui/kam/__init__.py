"""The Key Account Management template in a browser, one journey step after the other, in Chinese and in English."""
